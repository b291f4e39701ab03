import tls from "node:tls";

let done = false;

/** Trusts what the machine trusts, beside Node's own list: a company's authority is installed in the system. */
export function trustSystemAuthorities(): void {
  if (done) return;
  done = true;
  const authorities = new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")]);
  tls.setDefaultCACertificates([...authorities]);
}

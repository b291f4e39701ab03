import tls from "node:tls";

let done = false;

/**
 * Trusts the system's certificate authorities in addition to Node's, because companies install theirs in the system.
 */
export function trustSystemAuthorities(): void {
  if (done) return;
  done = true;
  const authorities = new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system")]);
  tls.setDefaultCACertificates([...authorities]);
}

import { getCACertificates, setDefaultCACertificates } from "node:tls";

/**
 * Trusts the machine's own certificate authorities beside those that Node brings, as programs on it do: a deployment in
 * a company may well be signed by the company's. SSL_CERT_FILE and SSL_CERT_DIR name others.
 */
export function trustSystemAuthorities(): void {
  setDefaultCACertificates([...getCACertificates("default"), ...getCACertificates("system")]);
}

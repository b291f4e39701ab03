let done = false;

/**
 * Trusts the system's certificate authorities in addition to Node's, because a deployment's certificate may be signed
 * by a company's own authority. SSL_CERT_FILE and SSL_CERT_DIR add others.
 */
export function trustSystemAuthorities(): void {
  if (done) return;
  done = true;
  // Loaded on demand, for the startup of programs that make no request.
  const { getCACertificates, setDefaultCACertificates } = process.getBuiltinModule("node:tls");
  const authorities = new Set([...getCACertificates("default"), ...getCACertificates("system")]);
  setDefaultCACertificates([...authorities]);
}

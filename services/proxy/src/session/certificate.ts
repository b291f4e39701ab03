import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Settings } from "./settings.js";

/** A warning that names the hosts that the certificate (PEM) does not cover; undefined if it covers all of them. */
export function findUncoveredHosts(
  cert: string,
  { accessUrl, wildcard }: Pick<Settings, "accessUrl" | "wildcard">,
): string | undefined {
  if (accessUrl.protocol !== "https:") return undefined;
  const certificate = new X509Certificate(cert);
  const { hostname } = accessUrl;
  const address = hostname.replace(/^\[|\]$/g, "");
  const isCovered = isIP(address) ? certificate.checkIP(address) : certificate.checkHost(hostname);
  const uncovered = isCovered ? [] : [hostname];
  if (wildcard && !certificate.checkHost(`app${wildcard.suffix}${wildcard.domain}`))
    uncovered.push(`*${wildcard.suffix}${wildcard.domain}`);
  if (uncovered.length === 0) return undefined;
  return `The certificate in CODER_TLS_CERT_FILE is not valid for ${uncovered.join(" and ")}. It covers ${certificate.subjectAltName ?? "no hosts"}. Use a certificate that covers the access URL and the wildcard hostname, or terminate TLS at a load balancer.`;
}

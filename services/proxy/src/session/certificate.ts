import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { Settings } from "./settings.js";

/** A sentence that names the hosts that browsers will refuse; undefined where the certificate (PEM) covers them all. */
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
  return `The certificate of CODER_TLS_CERT_FILE covers ${certificate.subjectAltName ?? "nothing"}, and not ${uncovered.join(" and ")}: browsers refuse what it does not cover. Name one that covers the access URL and the wildcard host, or let what stands before the proxy end TLS.`;
}

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { errorMessage, FleetError } from "@fleet/base";

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates in a file, PEM; none if there is no file. Throws `invalid_argument` that names the setting if it cannot
 * be read or holds none.
 */
export function certificatesIn(setting: string, file: string | undefined): X509Certificate[] {
  if (!file) return [];
  let certificates: X509Certificate[];
  try {
    certificates = (readFileSync(file, "utf8").match(PEM) ?? []).map((pem) => new X509Certificate(pem));
  } catch (error) {
    throw new FleetError("invalid_argument", `${setting}: cannot read ${file}: ${errorMessage(error)}`);
  }
  if (certificates.length === 0) {
    throw new FleetError("invalid_argument", `${setting}: ${file} contains no PEM certificate.`);
  }
  return certificates;
}

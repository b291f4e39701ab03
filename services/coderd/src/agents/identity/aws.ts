import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { AWS_PUBLIC_KEYS } from "./aws-keys.js";
import { IdentityRefused, type MachineIdentity, textIn } from "./documents.js";

/**
 * Verifies an EC2 instance identity document by the base64 signature of the metadata service (RSA with SHA-256).
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-signature.html
 *
 * @param extra keys of regions that AWS opened later.
 */
export function createAwsVerifier(
  extra: readonly KeyObject[],
): (request: { document: string; signature: string }) => MachineIdentity {
  const keys = [
    ...AWS_PUBLIC_KEYS.map((key) =>
      createPublicKey({ key: Buffer.from(key, "base64"), format: "der", type: "spki" }),
    ),
    ...extra,
  ];
  return ({ document, signature }) => {
    const bytes = Buffer.from(signature, "base64");
    const text = Buffer.from(document);
    if (!keys.some((key) => verify("sha256", text, key, bytes))) {
      throw new IdentityRefused("the document is not signed by AWS.");
    }
    return { instanceId: textIn(document, "instanceId") };
  };
}

import { createHash, createPublicKey } from "node:crypto";
import { FleetError } from "@fleet/base";

/** A public key of an SSH client. */
export type SshPublicKey = {
  /** Algorithm and base64, as in authorized_keys, without a comment. */
  text: string;
  comment: string;
  /** `SHA256:<base64>`, as OpenSSH shows it. */
  fingerprint: string;
};

/** Keys of fewer bits can be broken; OpenSSH generates 3072. */
const MIN_RSA_BITS = 2048;
const CURVES: Readonly<Record<string, string>> = {
  "ecdsa-sha2-nistp256": "P-256",
  "ecdsa-sha2-nistp384": "P-384",
  "ecdsa-sha2-nistp521": "P-521",
};
const SUPPORTED = "Supported are ed25519, ECDSA, and RSA of at least 2048 bits.";

/** The fingerprint of a public key as SSH transmits it. */
export function fingerprintOf(blob: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Parses a line of authorized_keys or the content of a `.pub` file. @throws invalid_argument. */
export function parsePublicKey(given: string): SshPublicKey {
  const line = given.trim();
  if (/PRIVATE KEY/.test(line)) {
    throw refusal(
      "This is a private key. Send the content of the file that ends in .pub, and nobody else the private key.",
    );
  }
  const [, algorithm, base64, comment = ""] =
    /^([\w@.-]+)[ \t]+([A-Za-z0-9+/]+=*)(?:[ \t]+(.*))?$/.exec(line) ?? [];
  if (!algorithm || !base64) {
    throw refusal('Must be one public key, for example "ssh-ed25519 AAAA… ana@laptop".');
  }
  const blob = Buffer.from(base64, "base64");
  const fields = fieldsOf(blob);
  if (fields?.[0]?.toString("latin1") !== algorithm || !isSound(algorithm, fields)) {
    throw refusal(
      isKnown(algorithm)
        ? `The ${algorithm} key is damaged or too short. ${SUPPORTED}`
        : `Keys of type ${algorithm} are not supported. ${SUPPORTED}`,
    );
  }
  return {
    text: `${algorithm} ${blob.toString("base64")}`,
    comment: comment.trim(),
    fingerprint: fingerprintOf(blob),
  };
}

const isKnown = (algorithm: string) =>
  algorithm === "ssh-ed25519" || algorithm === "ssh-rsa" || algorithm in CURVES;

function isSound(algorithm: string, fields: readonly Buffer[]): boolean {
  const [, first, second] = fields;
  try {
    if (algorithm === "ssh-ed25519") return fields.length === 2 && first?.length === 32;
    if (algorithm === "ssh-rsa") {
      if (fields.length !== 3) return false;
      const [e, n] = [first!, second!].map((number) => number.toString("base64url"));
      const { asymmetricKeyDetails } = createPublicKey({ key: { kty: "RSA", e, n }, format: "jwk" });
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= MIN_RSA_BITS;
    }
    const crv = CURVES[algorithm];
    if (!crv || fields.length !== 3 || second?.[0] !== 4) return false;
    const half = (second.length - 1) / 2;
    const [x, y] = [second.subarray(1, 1 + half), second.subarray(1 + half)].map((at) =>
      at.toString("base64url"),
    );
    createPublicKey({ key: { kty: "EC", crv, x, y }, format: "jwk" }); // Throws if it is not a point of the curve.
    return true;
  } catch {
    return false;
  }
}

/** The length-prefixed strings of the key (RFC 4251, section 5); undefined if they do not fill it exactly. */
function fieldsOf(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

function refusal(detail: string): FleetError {
  return new FleetError("invalid_argument", `Invalid SSH key. ${detail}`, {
    validations: [{ field: "public_key", detail }],
  });
}

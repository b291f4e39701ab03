import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

/** A certificate and its key, each as PEM, and the certificate as DER for the handshake. */
export type Certificate = { readonly der: Buffer; readonly certificate: string; readonly key: string };

const DAY_MS = 24 * 60 * 60 * 1000;
/** A plugin runs only as long as one terraform command; clocks may differ a little. */
const CLOCK_SKEW_MS = 60_000;
const LIFETIME_MS = 30 * DAY_MS;

const OID = {
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  basicConstraints: "551d13",
  keyUsage: "551d0f",
  extendedKeyUsage: "551d25",
  subjectAltName: "551d11",
  serverAuth: "2b06010505070301",
  clientAuth: "2b06010505070302",
};

/**
 * A self-signed certificate for `localhost` on P-256. go-plugin makes it both the root and the server's own, so it is a CA
 * that may also serve. Encoded in DER (X.690) by hand because loading a library for it takes longer than launching.
 */
export function selfSignedCertificate(nowMs: number): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const name = sequence(set(sequence(oid(OID.commonName), tag(0x0c, Buffer.from("localhost")))));
  const body = sequence(
    tag(0xa0, tag(2, Buffer.from([2]))), // version 3
    tag(2, serialNumber()),
    algorithm,
    name,
    sequence(utcTime(nowMs - CLOCK_SKEW_MS), utcTime(nowMs + LIFETIME_MS)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    tag(
      0xa3,
      sequence(
        extension(OID.basicConstraints, "critical", sequence(tag(1, Buffer.from([0xff])))),
        // digital signature, key encipherment, key agreement, certificate signing
        extension(OID.keyUsage, "critical", tag(3, Buffer.from([2, 0xac]))),
        extension(OID.extendedKeyUsage, "plain", sequence(oid(OID.serverAuth), oid(OID.clientAuth))),
        extension(OID.subjectAltName, "plain", sequence(tag(0x82, Buffer.from("localhost")))),
      ),
    ),
  );
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", body, privateKey)]);
  const der = sequence(body, algorithm, tag(3, signature));
  const lines = der
    .toString("base64")
    .replace(/(.{64})/g, "$1\n")
    .trim();
  return {
    der,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "sec1", format: "pem" }).toString(),
  };
}

function tag(number: number, ...content: Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([number, ...length]), body]);
}

function sequence(...content: Uint8Array[]): Buffer {
  return tag(0x30, ...content);
}

function set(...content: Uint8Array[]): Buffer {
  return tag(0x31, ...content);
}

function oid(hex: string): Buffer {
  return tag(0x06, Buffer.from(hex, "hex"));
}

/** Positive, and without a leading zero byte, as DER requires. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14);
  return tag(0x17, Buffer.from(`${digits}Z`));
}

function extension(id: string, weight: "critical" | "plain", value: Buffer): Buffer {
  const critical = weight === "critical" ? [tag(1, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...critical, tag(4, value));
}

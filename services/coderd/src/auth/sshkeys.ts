import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";

/** A key pair: private key in a format OpenSSH reads, public key in authorized_keys format. */
export type SshKeyPair = { privateKey: string; publicKey: string };

/** RFC 8410: the PKCS#8 prefix of an ed25519 key, before its 32-byte seed. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const ALGORITHM = "ssh-ed25519";

/** Supported key algorithms. */
export type SshKeyAlgorithm = "ed25519" | "ecdsa" | "rsa4096";

/** Derives the ed25519 key pair of a 32-byte seed. Deterministic. */
export function sshKeyPair(seed: Buffer, comment = ""): SshKeyPair {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicBytes = rawPublicKey(key);
  const blob = Buffer.concat([text(ALGORITHM), text(publicBytes)]);
  return {
    privateKey: openSshPrivateKey(seed, publicBytes, blob, comment),
    publicKey: `${ALGORITHM} ${blob.toString("base64")}${comment ? ` ${comment}` : ""}`,
  };
}

export async function randomSshKeyPair(algorithm: SshKeyAlgorithm = "ed25519"): Promise<SshKeyPair> {
  switch (algorithm) {
    case "ed25519":
      return sshKeyPair(randomBytes(32));
    case "ecdsa":
      return ecdsaPair();
    case "rsa4096":
      return rsaPair();
  }
}

const generate = promisify(generateKeyPair);

/** RFC 5656, section 3.1: curve name and uncompressed point. */
async function ecdsaPair(): Promise<SshKeyPair> {
  const { privateKey, publicKey } = await generate("ec", { namedCurve: "P-256" });
  const { x, y } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.from([4]), bytesOf(x), bytesOf(y)]);
  const blob = Buffer.concat([text("ecdsa-sha2-nistp256"), text("nistp256"), text(point)]);
  return {
    privateKey: privateKey.export({ format: "pem", type: "sec1" }) as string,
    publicKey: `ecdsa-sha2-nistp256 ${blob.toString("base64")}`,
  };
}

/** RFC 4253, section 6.6: exponent and modulus. */
async function rsaPair(): Promise<SshKeyPair> {
  const { privateKey, publicKey } = await generate("rsa", { modulusLength: 4096 });
  const { e, n } = publicKey.export({ format: "jwk" });
  const blob = Buffer.concat([text("ssh-rsa"), text(positive(bytesOf(e))), text(positive(bytesOf(n)))]);
  return {
    privateKey: privateKey.export({ format: "pem", type: "pkcs1" }) as string,
    publicKey: `ssh-rsa ${blob.toString("base64")}`,
  };
}

function bytesOf(base64url: string | undefined): Buffer {
  return Buffer.from(base64url ?? "", "base64url");
}

/** SSH integers are signed: a leading zero keeps a value with the high bit set positive. */
function positive(bytes: Buffer): Buffer {
  return (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes;
}

function rawPublicKey(key: KeyObject): Buffer {
  const der = createPublicKey(key).export({ format: "der", type: "spki" }) as Buffer;
  return der.subarray(der.length - 32);
}

/** The `openssh-key-v1` format, unencrypted (OpenSSH's PROTOCOL.key). */
function openSshPrivateKey(seed: Buffer, publicBytes: Buffer, blob: Buffer, comment: string): string {
  const check = publicBytes.subarray(0, 4);
  const secret = Buffer.concat([
    check,
    check,
    text(ALGORITHM),
    text(publicBytes),
    text(Buffer.concat([seed, publicBytes])),
    text(comment),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, i) => i + 1));
  const key = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    text("none"),
    text("none"),
    text(""),
    uint32(1),
    text(blob),
    text(Buffer.concat([secret, padding])),
  ]);
  const lines = key.toString("base64").replace(/.{70}/g, "$&\n");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

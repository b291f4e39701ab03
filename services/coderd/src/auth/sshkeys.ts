import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";

/** An ed25519 key pair: the private half as OpenSSH writes it, the public half as authorized_keys has it. */
export type SshKeyPair = { privateKey: string; publicKey: string };

/** RFC 8410: what stands before the 32 bytes of a seed in a PKCS#8 ed25519 key. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const ALGORITHM = "ssh-ed25519";

/** The key pair of a seed of 32 bytes: the same seed gives the same pair. */
export function sshKeyPair(seed: Buffer, comment = ""): SshKeyPair {
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
  const publicBytes = rawPublicKey(key);
  const blob = Buffer.concat([text(ALGORITHM), text(publicBytes)]);
  return {
    privateKey: openSshPrivateKey(seed, publicBytes, blob, comment),
    publicKey: `${ALGORITHM} ${blob.toString("base64")}${comment ? ` ${comment}` : ""}`,
  };
}

export function randomSshKeyPair(comment = ""): SshKeyPair {
  return sshKeyPair(randomBytes(32), comment);
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

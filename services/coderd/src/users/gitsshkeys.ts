import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { randomSshKeyPair, type SshKeyAlgorithm, type SshKeyPair } from "../auth/sshkeys.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { GitSshKeyStore, StoredSshKey } from "./gitsshkeys-store.js";

/** The SSH keys that workspaces authenticate to Git servers with. */
export type GitSshKeys = {
  /** The user's key pair, generated on first use. */
  get(userId: string): Promise<SshKeyPair & { createdAt: Date; updatedAt: Date }>;
  /** Generates a key pair that replaces the current one. */
  regenerate(userId: string): Promise<{ publicKey: string; createdAt: Date; updatedAt: Date }>;
};

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Encrypts the private key at rest with AES-256-GCM. */
export function createGitSshKeys({
  store,
  cryptoKeys,
  algorithm,
}: {
  store: GitSshKeyStore;
  cryptoKeys: CryptoKeys;
  /** Algorithm of newly generated key pairs. */
  algorithm: SshKeyAlgorithm;
}): GitSshKeys {
  const secret = () => cryptoKeys.derive("git ssh keys");

  async function generate(): Promise<StoredSshKey> {
    const pair = await randomSshKeyPair(algorithm);
    return { publicKey: pair.publicKey, privateKey: encrypt(pair.privateKey, await secret()) };
  }

  return {
    async get(userId) {
      let row = await store.find(userId);
      if (!row) {
        await store.insertFirst(userId, await generate());
        row = (await store.find(userId))!;
      }
      return { ...row, privateKey: decrypt(row.privateKey, await secret()) };
    },
    async regenerate(userId) {
      return store.replace(userId, await generate());
    },
  };
}

function encrypt(text: string, key: Buffer): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), body]).toString("base64");
}

function decrypt(text: string, key: Buffer): string {
  const bytes = Buffer.from(text, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]).toString(
    "utf8",
  );
}

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { randomSshKeyPair, type SshKeyAlgorithm, type SshKeyPair } from "../auth/sshkeys.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { Database } from "../database/client.js";

export type GitSshKeys = ReturnType<typeof createGitSshKeys>;

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** The keys with which workspaces sign in to git servers. The private half is stored encrypted, by AES-256-GCM. */
export function createGitSshKeys({
  db,
  cryptoKeys,
  algorithm,
}: {
  db: Database;
  cryptoKeys: CryptoKeys;
  /** Of the pairs that are made from here on. */
  algorithm: SshKeyAlgorithm;
}) {
  const secret = () => cryptoKeys.derive("git ssh keys");

  async function generate(userId: string) {
    const pair = await randomSshKeyPair(algorithm);
    return { userId, publicKey: pair.publicKey, privateKey: encrypt(pair.privateKey, await secret()) };
  }

  return {
    /** The user's pair, made when it is first asked for. */
    async get(userId: string): Promise<SshKeyPair & { createdAt: Date; updatedAt: Date }> {
      const find = () => db.gitSshKey.findUnique({ where: { userId } });
      let row = await find();
      if (!row) {
        await db.gitSshKey.createMany({ data: [await generate(userId)], skipDuplicates: true });
        row = (await find())!;
      }
      return { ...row, privateKey: decrypt(row.privateKey, await secret()) };
    },

    async regenerate(userId: string): Promise<{ publicKey: string; createdAt: Date; updatedAt: Date }> {
      const key = await generate(userId);
      return db.gitSshKey.upsert({ where: { userId }, create: key, update: key });
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

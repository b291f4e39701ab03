import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { FleetError } from "@fleet/base";
import type { Place } from "./columns.js";

/**
 * Encrypts values before they are stored in Postgres, so that a copy of the database alone does not reveal them. The
 * first key encrypts; all keys decrypt. Without keys, values are stored as they are.
 */
export type Dbcrypt = {
  /** The key that encrypts; undefined if there is none. */
  readonly keyId: string | undefined;
  /** All keys, for decryption. */
  readonly keyIds: readonly string[];
  /**
   * The form in which to store a value. Empty values stay empty. The place is the table and column: a stored value
   * cannot be read from another one. A value must not begin with NUL.
   */
  seal(value: Uint8Array, place: Place): Uint8Array<ArrayBuffer>;
  /**
   * A stored value, encrypted or not.
   * @throws failed_precondition if its key is not configured, or if the value was tampered with.
   */
  open(stored: Uint8Array, place: Place): Uint8Array<ArrayBuffer>;
};

/** Begins each encrypted value; text and JSON never begin so. */
export const MAGIC = Buffer.from("\0DBC\x01", "latin1");
const KEY_BYTES = 32;
export const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = MAGIC.length + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;
const MAX_KEYS = 16;
const SETTING = "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS";

/** @param setting comma-separated keys, each the base64 of 32 bytes. @throws invalid_argument for anything else. */
export function createDbcrypt(setting: string | undefined): Dbcrypt {
  const keys = new Map<string, Buffer>();
  for (const text of (setting ?? "").split(",").map((part) => part.trim())) {
    if (text === "") continue;
    const key = Buffer.from(text, "base64");
    if (key.length !== KEY_BYTES || key.toString("base64") !== text) {
      const how = "Create one with: openssl rand -base64 32";
      throw new FleetError("invalid_argument", `${SETTING}: a key must be the base64 of 32 bytes. ${how}`);
    }
    keys.set(idOf(key), key);
  }
  if (keys.size > MAX_KEYS) {
    throw new FleetError("invalid_argument", `${SETTING}: at most ${MAX_KEYS} keys are supported.`);
  }
  const first = [...keys][0];

  return {
    keyId: first?.[0],
    keyIds: [...keys.keys()],

    seal(value, place) {
      if (!first || value.length === 0) return new Uint8Array(value);
      const [id, key] = first;
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place));
      const body = Buffer.concat([cipher.update(value), cipher.final()]);
      return concat(MAGIC, Buffer.from(id, "hex"), nonce, cipher.getAuthTag(), body);
    },

    open(stored, place) {
      const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
      if (bytes.length < HEAD_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
        return new Uint8Array(stored);
      }
      const [idAt, nonceAt] = [MAGIC.length, MAGIC.length + KEY_ID_BYTES];
      const tagAt = nonceAt + NONCE_BYTES;
      const id = bytes.subarray(idAt, nonceAt).toString("hex");
      const nonce = bytes.subarray(nonceAt, tagAt);
      const tag = bytes.subarray(tagAt, HEAD_BYTES);
      const key = keys.get(id);
      if (!key) throw missingKeys([id]);
      const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(place)).setAuthTag(tag);
      try {
        return concat(decipher.update(bytes.subarray(HEAD_BYTES)), decipher.final());
      } catch (cause) {
        throw new FleetError("failed_precondition", "A stored value could not be decrypted.", { cause });
      }
    },
  };
}

/** The error that names keys which stored values need. */
export function missingKeys(ids: readonly string[]): FleetError {
  const which = ids.length === 1 ? `the key ${ids[0]}` : `the keys ${ids.join(", ")}`;
  return new FleetError(
    "failed_precondition",
    `Stored values are encrypted with ${which}, which ${SETTING} does not contain. Add it after the first key.`,
  );
}

/** Names a key without revealing it. */
function idOf(key: Buffer): string {
  return createHash("sha256")
    .update(key)
    .digest("hex")
    .slice(0, 2 * KEY_ID_BYTES);
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.concat(parts));
}

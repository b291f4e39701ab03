import { FleetError } from "@fleet/base";
import { createDbcrypt, type Dbcrypt } from "./dbcrypt.js";
import { type EncryptedColumns, requireKeys } from "./store.js";

/** What `coder server dbcrypt` does with the values that are encrypted in the database. */
export type Maintenance = {
  /** Encrypts all values with the new key. Returns how many were rewritten. */
  rotate(keys: { newKey: string; oldKeys: string | undefined }): Promise<number>;
  /** Stores all values in plain text. Returns how many were rewritten. */
  decrypt(keys: string): Promise<number>;
  /**
   * Deletes all encrypted values, with the rows that are of no use without them.
   * @throws failed_precondition if Terraform states are among them, unless `states` is set: without its state, nothing
   * can remove what a workspace consists of.
   */
  delete(options: { states: boolean }): Promise<number>;
};

/** Values per statement: few enough that a kill loses nothing but the time for these. */
const BATCH = 100;

/**
 * Rotating and decrypting can be repeated after a kill: what was rewritten is found to be so. Both refuse before the first
 * change if a key is missing.
 */
export function createMaintenance(columns: EncryptedColumns): Maintenance {
  async function rewrite(from: Dbcrypt, to: Dbcrypt): Promise<number> {
    await requireKeys(columns, from);
    let count = 0;
    for (;;) {
      const found = await columns.reseal(from, to, BATCH);
      if (found === 0) return count;
      count += found;
    }
  }

  return {
    async rotate({ newKey, oldKeys }) {
      const to = createDbcrypt(newKey);
      if (to.keyIds.length !== 1) throw new FleetError("invalid_argument", "Set exactly one new key.");
      return rewrite(createDbcrypt([newKey, oldKeys].filter(Boolean).join(",")), to);
    },

    decrypt(keys) {
      const from = createDbcrypt(keys);
      if (!from.keyId) throw new FleetError("invalid_argument", "Set the keys to decrypt with.");
      return rewrite(from, createDbcrypt(undefined));
    },

    async delete({ states }) {
      const encrypted = await columns.countStates();
      if (encrypted > 0 && !states) {
        throw new FleetError(
          "failed_precondition",
          `${encrypted} Terraform states of workspaces are encrypted. Without them, nothing can remove what these workspaces consist of. Decrypt or rotate with their keys instead; if the keys are lost, add --states to delete the states, too.`,
        );
      }
      return columns.deleteEncrypted();
    },
  };
}

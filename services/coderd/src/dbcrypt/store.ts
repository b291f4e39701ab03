import type { Database } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { ENCRYPTED, type EncryptedColumn } from "./columns.js";
import { type Dbcrypt, KEY_ID_BYTES, MAGIC, missingKeys } from "./dbcrypt.js";

/** All encrypted columns of the database, together. */
export type EncryptedColumns = {
  /**
   * Rewrites up to `limit` values that are not encrypted with the first key of `to`; without keys in `to`, in plain
   * text. Returns how many there were: fewer than `limit` means that none are left. Values that are written meanwhile
   * are left alone, so it can run beside coderd and be repeated.
   * @throws failed_precondition if `from` lacks the key of a value. What was rewritten before stays so.
   */
  reseal(from: Dbcrypt, to: Dbcrypt, limit: number): Promise<number>;
  /** Keys that stored values are encrypted with, at most MAX_KEYS. */
  keysInUse(): Promise<string[]>;
  /** How many Terraform states are encrypted. */
  countStates(): Promise<number>;
  /** Deletes all encrypted values. Returns how many there were. */
  deleteEncrypted(): Promise<number>;
};

const MAX_KEYS = 100;

export function createEncryptedColumns(db: Pick<Database, "$queryRaw" | "$executeRaw">): EncryptedColumns {
  async function resealColumn(
    column: EncryptedColumn,
    from: Dbcrypt,
    to: Dbcrypt,
    limit: number,
  ): Promise<number> {
    const [table, value] = [Prisma.raw(column.table), Prisma.raw(column.column)];
    const keyId = to.keyId ?? null;
    const stale = await db.$queryRaw<{ at: string; stored: Uint8Array<ArrayBuffer> }[]>`
      SELECT ctid::text AS at, ${value} AS stored FROM ${table}
      WHERE octet_length(${value}) > 0 AND ${keyOf(column)} IS DISTINCT FROM ${keyId}::text LIMIT ${limit}`;
    const named =
      "keyColumn" in column ? Prisma.sql`, ${Prisma.raw(column.keyColumn)} = ${keyId}` : Prisma.empty;
    for (const { at, stored } of stale) {
      const sealed = to.seal(from.open(stored, column.place), column.place);
      await db.$executeRaw`
        UPDATE ${table} SET ${value} = ${sealed}::bytea ${named}
        WHERE ctid = ${at}::tid AND ${value} = ${stored}::bytea`;
    }
    return stale.length;
  }

  return {
    async reseal(from, to, limit) {
      let count = 0;
      for (const column of ENCRYPTED) {
        if (count < limit) count += await resealColumn(column, from, to, limit - count);
      }
      return count;
    },

    async keysInUse() {
      const parts = ENCRYPTED.map(
        (column) => Prisma.sql`SELECT ${keyOf(column)} AS key FROM ${Prisma.raw(column.table)}`,
      );
      const rows = await db.$queryRaw<{ key: string }[]>`
        SELECT DISTINCT key FROM (${Prisma.join(parts, " UNION ALL ")}) x WHERE key IS NOT NULL LIMIT ${MAX_KEYS}`;
      return rows.map(({ key }) => key);
    },

    async countStates() {
      const rows = await db.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM workspace_build_states WHERE key_id IS NOT NULL`;
      return rows[0]!.count;
    },

    async deleteEncrypted() {
      let count = 0;
      for (const column of ENCRYPTED) {
        const [table, value] = [Prisma.raw(column.table), Prisma.raw(column.column)];
        const encrypted = Prisma.sql`${keyOf(column)} IS NOT NULL`;
        count += await db.$executeRaw(
          column.lost === "row"
            ? Prisma.sql`DELETE FROM ${table} WHERE ${encrypted}`
            : Prisma.sql`UPDATE ${table} SET ${value} = '' WHERE ${encrypted}`,
        );
      }
      return count;
    },
  };
}

/** The key of a stored value, null if it is in plain text. */
function keyOf(column: EncryptedColumn): Prisma.Sql {
  if ("keyColumn" in column) return Prisma.raw(column.keyColumn);
  const value = Prisma.raw(column.column);
  return Prisma.sql`CASE WHEN substring(${value} FROM 1 FOR ${MAGIC.length}::int) = ${new Uint8Array(MAGIC)}::bytea
    THEN encode(substring(${value} FROM ${MAGIC.length + 1}::int FOR ${KEY_ID_BYTES}::int), 'hex') END`;
}

/** Throws `failed_precondition` if a stored value is encrypted with a key that is not configured. */
export async function requireKeys(
  columns: Pick<EncryptedColumns, "keysInUse">,
  crypt: Dbcrypt,
): Promise<void> {
  const missing = (await columns.keysInUse()).filter((id) => !crypt.keyIds.includes(id));
  if (missing.length > 0) throw missingKeys(missing);
}

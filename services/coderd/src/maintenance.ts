import { errorMessage, FleetError } from "@fleet/base";
import { createDatabase } from "./database/client.js";
import { createMaintenance } from "./dbcrypt/maintenance.js";
import { createEncryptedColumns } from "./dbcrypt/store.js";
import { type RecoveryRequest, recover } from "./recovery.js";

/** Variable with what `recover` does: a RecoveryRequest as JSON. */
const RECOVERY = "CODER_RECOVERY";

/** The commands, as the first argument. */
export const MAINTENANCE: readonly string[] = ["dbcrypt", "recover"];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs a command on the database instead of the service: `dbcrypt rotate|decrypt|delete [--states]`, or `recover`. Keys,
 * the request of `recover` and the address of Postgres are read from the environment, since other users can see command
 * lines.
 * @returns the exit status.
 */
export async function runMaintenance(args: readonly string[], env: Environment): Promise<number> {
  const [name, command, ...flags] = args;
  const url = env.CODER_PG_CONNECTION_URL;
  if (!url) return fail(new FleetError("invalid_argument", "CODER_PG_CONNECTION_URL is not set."));
  if (name === "recover") return recovered(url, env);
  const { db, close } = createDatabase({ url, poolSize: 2 });
  try {
    process.stdout.write(`${await dbcrypt(command, flags, env, createEncryptedColumns(db))}\n`);
    return 0;
  } catch (error) {
    return fail(error);
  } finally {
    await close();
  }
}

async function recovered(url: string, env: Environment): Promise<number> {
  try {
    const request = JSON.parse(required(env, RECOVERY)) as RecoveryRequest;
    process.stdout.write(`${await recover(url, request)}\n`);
    return 0;
  } catch (error) {
    return fail(error);
  }
}

async function dbcrypt(
  command: string | undefined,
  flags: readonly string[],
  env: Environment,
  columns: ReturnType<typeof createEncryptedColumns>,
): Promise<string> {
  const maintenance = createMaintenance(columns);
  switch (command) {
    case "rotate": {
      const newKey = required(env, "CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY");
      const oldKeys = env.CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_OLD_KEYS;
      const count = await maintenance.rotate({ newKey, oldKeys });
      return `Encrypted ${count} values with the new key. The old keys are not needed any more.`;
    }
    case "decrypt": {
      const keys = required(env, "CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS");
      return `Decrypted ${await maintenance.decrypt(keys)} values.`;
    }
    case "delete":
      return `Deleted ${await maintenance.delete({ states: flags.includes("--states") })} values.`;
    default:
      throw new FleetError("invalid_argument", `"${command}" is not a command of dbcrypt.`);
  }
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value) return value;
  throw new FleetError("invalid_argument", `${name} is not set.`);
}

function fail(error: unknown): number {
  process.stderr.write(`${errorMessage(error)}\n`);
  return 1;
}

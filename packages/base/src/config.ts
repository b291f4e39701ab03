import { FleetError } from "./errors.js";

/** The part of a zod schema that reading an environment needs, so that base depends on no schema library. */
type Schema<T> = {
  safeParse(
    input: unknown,
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
};

/**
 * Reads a configuration from environment variables whose names are the schema's keys. An empty variable counts as unset.
 * Throws one `invalid_argument` that names every variable that is wrong, and why.
 */
export function parseEnv<T>(schema: Schema<T>, env: Record<string, string | undefined>): T {
  const set = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value !== ""),
  );
  const result = schema.safeParse(set);
  if (result.success) return result.data;
  const validations = result.error.issues.map((issue) => ({
    field: issue.path.join("."),
    detail: issue.message,
  }));
  const list = validations.map(({ field, detail }) => `${field}: ${detail}`).join("; ");
  throw new FleetError("invalid_argument", `The configuration is not usable. ${list}`, { validations });
}

/** True for `1`, `true`, `yes` and `on`, in any case; false for their opposites; undefined for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  return undefined;
}

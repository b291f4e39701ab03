import { errorMessage, type FieldViolation, FleetError } from "../errors.js";
import type { Setting } from "./kinds.js";

// biome-ignore lint/suspicious/noExplicitAny: each setting pairs its own types; the map only carries them.
type Declared = Record<string, Setting<any>>;

/** Variable names to their values. */
export type ValuesOf<D extends Declared> = { [N in keyof D]: D[N] extends Setting<infer T> ? T : never };

export type Environment = Readonly<Record<string, string | undefined>>;

/** A setting with its effective value, for users who may see the configuration. A secret's value is blank. */
export type ShownSetting = {
  env: string;
  help: string;
  default: string;
  value: unknown;
  secret: boolean;
};

/** The settings of a program, all of which are environment variables. */
export type Settings<D extends Declared = Declared> = {
  /** What the program does, for the first line of its help. */
  readonly program: string;
  readonly declared: D;
  /**
   * The effective values. An empty variable counts as unset. Throws one `invalid_argument` that names every missing or
   * invalid variable, and why; secret values are not repeated.
   */
  read(env: Environment): ValuesOf<D>;
  /** Variables that look like a misspelled setting, with the likely intended name. */
  misspelt(env: Environment): { name: string; meant: string }[];
  /** The text of `--help`. */
  help(): string;
  /** The effective values, without secrets. */
  show(values: ValuesOf<D>): ShownSetting[];
};

/** Declares a program's settings, once: its parser, help and documentation all derive from it. */
export function defineSettings<D extends Declared>(program: string, declared: D): Settings<D> {
  const entries = Object.entries(declared);
  return {
    program,
    declared,
    read(env) {
      const violations: FieldViolation[] = [];
      const values: Record<string, unknown> = {};
      for (const [name, setting] of entries) {
        try {
          values[name] = setting.gather ? setting.gather(env, name) : readSetting(setting, env[name]);
        } catch (error) {
          violations.push({ field: name, detail: withoutFullStop(explain(setting, env[name], error)) });
        }
      }
      if (violations.length === 0) return values as ValuesOf<D>;
      const list = violations.map(({ field, detail }) => `${field}: ${detail}`).join("; ");
      throw new FleetError("invalid_argument", `Invalid configuration. ${list}.`, {
        validations: violations,
      });
    },
    misspelt(env) {
      return Object.keys(env).flatMap((name) => {
        if (!name.startsWith("CODER_") || name in declared) return [];
        const meant = entries.find(([known]) => isNear(name, known))?.[0];
        return meant ? [{ name, meant }] : [];
      });
    },
    help() {
      const lines = shownEntries(entries).map(([name, setting]) => {
        const unset = setting.required
          ? " (required)"
          : setting.default
            ? ` (default ${defaultOf(setting)})`
            : "";
        return `  ${name} ${setting.type}${unset}\n      ${setting.help}`;
      });
      return `${program}\n\nSettings are read from environment variables:\n\n${lines.join("\n")}\n`;
    },
    show: (values) =>
      entries.map(([env, setting]) => {
        const value = values[env];
        return {
          env,
          help: setting.help,
          default: setting.secret ? "" : (setting.default ?? ""),
          value: setting.secret || value === undefined ? "" : setting.toWire(value),
          secret: setting.secret,
        };
      }),
  };
}

/** The settings as help lists them: a numbered group by its fields. */
export function shownEntries<T extends Setting<unknown>>(
  entries: readonly (readonly [string, T])[],
): (readonly [string, T])[] {
  return entries.flatMap(([name, setting]) => {
    const fields = (setting as { fields?: Record<string, T> }).fields;
    if (!fields) return [[name, setting] as const];
    return Object.entries(fields).map(([field, of]) => [`${name}_<n>_${field}`, of] as const);
  });
}

/** The default, for display. */
function defaultOf({ default: fallback, defaultHelp }: Setting<unknown>): string {
  return defaultHelp ?? fallback ?? "";
}

function readSetting(setting: Setting<unknown>, given: string | undefined): unknown {
  const text = given === undefined || given === "" ? setting.default : given;
  if (text !== undefined) return setting.parse(text);
  if (setting.required) throw new FleetError("invalid_argument", `is required (${setting.help})`);
  return undefined;
}

function explain(setting: Setting<unknown>, given: string | undefined, error: unknown): string {
  const message = errorMessage(error);
  if (!given || setting.secret || message.includes(`"${given}"`)) return message;
  return `${message}, not "${given}"`;
}

function withoutFullStop(sentence: string): string {
  return sentence.replace(/\.$/, "");
}

/** True for two names that differ by one typo: a letter added, missing, changed or swapped. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [restA, restB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restA.length <= 1 && restB.length <= 1) return true;
  return restA.length === 2 && restB === `${restA[1]}${restA[0]}`;
}

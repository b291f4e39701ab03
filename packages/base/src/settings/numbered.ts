import { errorMessage, FleetError } from "../errors.js";
import type { Setting } from "./kinds.js";
import type { Environment, ValuesOf } from "./settings.js";

// biome-ignore lint/suspicious/noExplicitAny: each setting pairs its own types; the map only carries them.
type Fields = Record<string, Setting<any>>;

/** One of a numbered group of variables. */
export type NumberedEntry<D extends Fields> = {
  /** How the variables begin, for errors: `CODER_EXTERNAL_AUTH_0`. */
  name: string;
  values: ValuesOf<D>;
};

/** More of these are a mistake. */
const MAX_ENTRIES = 100;

/**
 * Settings that come in numbered groups: `NAME_<n>_<FIELD>`, with `n` from 0 or 1; gaps are allowed. A variable of a
 * group that is not one of the fields is refused.
 *
 * @param options.fields the settings of one group.
 * @param options.also another prefix with the same fields, which existing deployments use.
 * @param options.parse makes the value of all groups, in order; throws a sentence.
 * @param options.show what the API shows of it, without secrets.
 */
export function numbered<D extends Fields, T>(options: {
  help: string;
  fields: D;
  also?: string;
  parse(entries: NumberedEntry<D>[]): T;
  show(value: T): unknown;
}): Setting<T> & { readonly fields: D } {
  const { help, fields, also, parse, show } = options;

  function gather(env: Environment, name: string): T {
    const groups = new Map<string, Record<string, string | undefined>>();
    for (const [variable, value] of Object.entries(env)) {
      const [, prefix, field] = pattern(name, also).exec(variable) ?? [];
      if (!prefix || !field || value === undefined || value === "") continue;
      if (!(field in fields)) {
        throw refusal(`${variable} is not a setting. ${prefix}_ takes: ${Object.keys(fields).join(", ")}`);
      }
      groups.set(prefix, { ...groups.get(prefix), [field]: value });
    }
    if (groups.size > MAX_ENTRIES) throw refusal(`at most ${MAX_ENTRIES} are supported`);
    const names = [...groups.keys()].sort((a, b) => numberOf(a) - numberOf(b));
    return parse(names.map((prefix) => ({ name: prefix, values: valuesOf(prefix, groups.get(prefix)!) })));
  }

  function valuesOf(prefix: string, given: Record<string, string | undefined>): ValuesOf<D> {
    const entries = Object.entries(fields).map(([field, setting]) => {
      const text = given[field] ?? setting.default;
      if (text === undefined && setting.required) throw refusal(`${prefix}_${field} is required`);
      try {
        return [field, text === undefined ? undefined : setting.parse(text)];
      } catch (error) {
        throw refusal(`${prefix}_${field}: ${errorMessage(error)}`);
      }
    });
    return Object.fromEntries(entries) as ValuesOf<D>;
  }

  return {
    help,
    type: "group",
    default: "",
    defaultHelp: undefined,
    required: false,
    secret: false,
    fields,
    parse: () => parse([]),
    gather,
    toWire: show,
  };
}

function pattern(name: string, also: string | undefined): RegExp {
  return new RegExp(`^((?:${[name, ...(also ? [also] : [])].join("|")})_\\d{1,3})_(\\w+)$`);
}

function numberOf(prefix: string): number {
  return Number(prefix.slice(prefix.lastIndexOf("_") + 1));
}

function refusal(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}

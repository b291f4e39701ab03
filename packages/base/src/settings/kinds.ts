import { parseAddress } from "../address.js";
import { parseBoolean } from "../boolean.js";
import { parseDuration } from "../duration.js";
import { FleetError } from "../errors.js";

/** A declared setting: the source of everything that the parser, help, documentation and API say about it. */
export type Setting<T> = {
  /** What it is for, without a full stop: one line of help. */
  readonly help: string;
  /** The type, as help shows it: `url`, `duration`, … */
  readonly type: string;
  /** The default, as it would be written. */
  readonly default: string | undefined;
  /** Shown in help instead of a default that depends on the machine. */
  readonly defaultHelp: string | undefined;
  /** True if the program does not start without it. */
  readonly required: boolean;
  /** True for a value that is never shown, not even in errors. */
  readonly secret: boolean;
  /** Throws a FleetError that completes "NAME: …". */
  parse(text: string): T;
  /** Reads it from several variables instead; the variable of its own name must not be set. */
  gather?(env: Readonly<Record<string, string | undefined>>, name: string): T;
  /** The value as the API shows it. */
  toWire(value: T): unknown;
};

type Common = { help: string; secret?: true; defaultHelp?: string };
/** What applies if the variable is not set: a default, an error, or undefined. */
type Unset = { default?: string; required?: true };
type Value<T, U> = U extends { default: string } | { required: true } ? T : T | undefined;

type Kind<T> = { type: string; parse(text: string): T; toWire?(value: T): unknown };

function setting<T, U extends Unset>(kind: Kind<T>, options: Common & U): Setting<Value<T, U>> {
  const { help, secret = false, defaultHelp, default: fallback, required = false } = options;
  return {
    help,
    type: kind.type,
    default: fallback,
    defaultHelp,
    required,
    secret,
    parse: kind.parse as (text: string) => Value<T, U>,
    toWire: (kind.toWire ?? ((value) => value)) as (value: Value<T, U>) => unknown,
  };
}

function refuse(message: string): never {
  throw new FleetError("invalid_argument", message);
}

const NS_PER_MS = 1_000_000;

/** Any text. `check` throws a sentence for invalid text; `type` is its name in help. */
export function text<U extends Unset>(
  options: Common & U & { type?: string; check?(text: string): unknown },
): Setting<Value<string, U>> {
  const { type = "string", check } = options;
  const parse = (value: string) => {
    check?.(value);
    return value;
  };
  return setting({ type, parse }, options);
}

/** Parses the text with the caller's parser, which throws a sentence for invalid text. */
export function parsed<T, U extends Unset>(
  options: Common & U & { type: string; parse(text: string): T },
): Setting<Value<T, U>> {
  return setting({ type: options.type, parse: options.parse }, options);
}

/** A URL of one of the schemes, as text. */
export function url<U extends Unset>(
  options: Common & U & { schemes: readonly [string, ...string[]] },
): Setting<Value<string, U>> {
  const schemes = options.schemes.map((scheme) => `${scheme}://`).join(" or ");
  const parse = (value: string) =>
    URL.canParse(value) && options.schemes.includes(new URL(value).protocol.slice(0, -1))
      ? value
      : refuse(`must be a ${schemes} URL`);
  return setting({ type: "url", parse }, options);
}

/** `host:port`, as text. */
export function address<U extends Unset>(options: Common & U): Setting<Value<string, U>> {
  const parse = (value: string) => {
    parseAddress(value);
    return value;
  };
  return setting({ type: "host:port", parse }, options);
}

/** A whole number from `min` to `max`, inclusive. */
export function integer<U extends Unset>(
  options: Common & U & { min?: number; max?: number },
): Setting<Value<number, U>> {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = options;
  const parse = (value: string) => {
    const number = Number(value);
    if (!/^[+-]?\d+$/.test(value.trim()) || !Number.isSafeInteger(number)) refuse("must be a whole number");
    if (number < min) refuse(`must be at least ${min}`);
    if (number > max) refuse(`must be at most ${max}`);
    return number;
  };
  return setting({ type: "int", parse }, options);
}

export function boolean<U extends Unset>(options: Common & U): Setting<Value<boolean, U>> {
  return setting(
    { type: "bool", parse: (value) => parseBoolean(value) ?? refuse("must be true or false") },
    options,
  );
}

/** Milliseconds, written like `90s` or `1h30m`; nanoseconds in the API. Negative ones are rejected. */
export function duration<U extends Unset>(
  options: Common & U & { minMs?: number },
): Setting<Value<number, U>> {
  const { minMs = 0 } = options;
  const parse = (value: string) => {
    const ms = parseDuration(value);
    if (ms < 0) return refuse("must not be negative");
    return ms >= minMs ? ms : refuse(`must be at least ${minMs / 1_000}s`);
  };
  return setting({ type: "duration", parse, toWire: (ms) => ms * NS_PER_MS }, options);
}

/** One of the values. */
export function choice<const C extends string, U extends Unset>(
  options: Common & U & { values: readonly [C, ...C[]] },
): Setting<Value<C, U>> {
  const parse = (value: string) =>
    options.values.find((each) => each === value) ?? refuse(`must be one of: ${options.values.join(", ")}`);
  return setting<C, U>({ type: options.values.join("|"), parse }, options);
}

/** Comma-separated texts; empty ones are dropped. `values` restricts them. */
export function list<const C extends string = string, U extends Unset = Unset>(
  options: Common & U & { values?: readonly C[] },
): Setting<Value<C[], U>> {
  const { values } = options;
  const parse = (value: string) =>
    splitList(value).map((item) =>
      values && !values.includes(item as C)
        ? refuse(`"${item}" is not one of: ${values.join(", ")}`)
        : (item as C),
    );
  return setting({ type: "list", parse }, options);
}

/** Comma-separated `key=value` pairs. */
export function pairs<U extends Unset>(options: Common & U): Setting<Value<Record<string, string>, U>> {
  const parse = (value: string) =>
    Object.fromEntries(
      splitList(value).map((pair) => {
        const at = pair.indexOf("=");
        return at > 0 ? [pair.slice(0, at), pair.slice(at + 1)] : refuse(`"${pair}" must be key=value`);
      }),
    );
  return setting({ type: "key=value,…", parse }, options);
}

function splitList(text: string): string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

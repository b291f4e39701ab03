import { Decoder, Encoder, type ExtData } from "@msgpack/msgpack";

/** A value that terraform does not know yet ("known after apply"). */
export class Unknown {
  /** Holds the class apart from plain objects for the type checker. */
  readonly unknown = true;
}
export const UNKNOWN = new Unknown();

/** A value of terraform's type system. Integers beyond 2^53 are bigints. */
export type Value = null | string | number | bigint | boolean | Unknown | Value[] | { [key: string]: Value };

/** The values of a block's attributes and nested blocks, by name. */
export type Values = { [key: string]: Value };

export type DynamicValue = { msgpack: Uint8Array; json: Uint8Array };

export function isUnknown(value: unknown): value is Unknown {
  return value instanceof Unknown;
}

export function isValues(value: Value | undefined): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isUnknown(value);
}

/**
 * Unknown values are a msgpack extension: type 0 if nothing is known, other types if refined ("not null").
 * Refinements are optional, so every extension reads as unknown.
 */
const unknownCodec = {
  tryToEncode: (value: unknown): ExtData | null =>
    // One byte of payload makes it `d4 00 00`, which is what go-cty writes.
    isUnknown(value) ? ({ type: 0, data: new Uint8Array([0]) } as ExtData) : null,
  decode: (): Unknown => UNKNOWN,
};

// useBigInt64 keeps whole numbers beyond 2^53 exact; smaller ones are encoded in 32 bits or fewer by both ends.
const encoder = new Encoder({ extensionCodec: unknownCodec, useBigInt64: true });
const decoder = new Decoder({ extensionCodec: unknownCodec, useBigInt64: true });

/** The value in a message, null if there is none. */
export function decodeValue(encoded: DynamicValue | undefined): Value {
  if (encoded?.msgpack.length) return compact(decoder.decode(encoded.msgpack) as Value);
  if (encoded?.json.length) return JSON.parse(Buffer.from(encoded.json).toString("utf8")) as Value;
  return null;
}

export function encodeValue(value: Value): { msgpack: Uint8Array } {
  return { msgpack: encoder.encode(value) };
}

/** Converts bigints that fit a number, so that code compares plain numbers. */
function compact(value: Value): Value {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(compact);
  if (isValues(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, compact(item)]));
  return value;
}

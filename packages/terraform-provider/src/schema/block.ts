import type { Value } from "../wire/value.js";
import type { Path } from "./diagnostic.js";

/** A type in terraform's JSON notation. */
export type AttributeType =
  | "string"
  | "number"
  | "bool"
  | readonly ["list" | "set" | "map", AttributeType]
  | readonly ["object", Readonly<Record<string, AttributeType>>];

/** Why a known value is invalid, as a sentence; undefined if it is valid. */
export type Check = (value: Value, path: Path) => string | undefined;

export type Attribute = {
  readonly type: AttributeType;
  readonly required?: boolean;
  readonly optional?: boolean;
  readonly computed?: boolean;
  readonly sensitive?: boolean;
  /** The message for whoever sets it. */
  readonly deprecated?: string;
  /** The default if the configuration omits it. */
  readonly default?: string | number | boolean;
  /** Checked at validation and, for values known later, at plan. */
  readonly check?: Check;
  /** Names of top-level attributes or blocks of the same resource that conflict with it. */
  readonly conflictsWith?: readonly string[];
};

export type NestedBlock = {
  readonly nesting: "list" | "set";
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly block: Block;
  /** Computed by the provider if the configuration omits it: unknown until apply. */
  readonly computed?: boolean;
  readonly deprecated?: string;
  readonly conflictsWith?: readonly string[];
};

export type Block = {
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly blocks?: Readonly<Record<string, NestedBlock>>;
  /** The message for whoever uses the resource or data source at all. */
  readonly deprecated?: string;
};

type Flags = Omit<Attribute, "type">;

/** Attributes by how a configuration sets them: `required.string()`, `optional.number({ default: 0 })`. */
function attributes(flags: Pick<Attribute, "required" | "optional" | "computed">) {
  return {
    string: (more: Flags = {}): Attribute => ({ type: "string", ...flags, ...more }),
    number: (more: Flags = {}): Attribute => ({ type: "number", ...flags, ...more }),
    bool: (more: Flags = {}): Attribute => ({ type: "bool", ...flags, ...more }),
    strings: (more: Flags = {}): Attribute => ({ type: ["list", "string"], ...flags, ...more }),
    map: (more: Flags = {}): Attribute => ({ type: ["map", "string"], ...flags, ...more }),
    of: (type: AttributeType, more: Flags = {}): Attribute => ({ type, ...flags, ...more }),
  };
}

export const required = attributes({ required: true });
export const optional = attributes({ optional: true });
export const computed = attributes({ computed: true });
/** Set by the provider unless the configuration sets it. */
export const optionalComputed = attributes({ optional: true, computed: true });

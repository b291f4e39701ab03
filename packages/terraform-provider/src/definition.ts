import type { AccessUrl } from "./access-url.js";
import type { Environment } from "./environment.js";
import type { Block } from "./schema/block.js";
import { optionalComputed } from "./schema/block.js";
import type { Diagnostic } from "./schema/diagnostic.js";
import type { Values } from "./wire/value.js";

/** What a data source or resource may know beside its configuration. */
export type ReadContext = {
  readonly env: Environment;
  readonly accessUrl: AccessUrl;
  /** A fresh random UUID. */
  newId(): string;
};

export type DataSource = {
  readonly version: number;
  readonly block: Block;
  /** Refusals that the schema cannot express; told at validation, so values may be unknown. */
  readonly validate?: (config: Values) => Diagnostic[];
  /** What it adds to, or changes in, its configuration. Throws ConfigurationRefused. */
  readonly read: (config: Values, context: ReadContext) => Values;
};

export type Resource = {
  readonly version: number;
  readonly block: Block;
  /** Refusals that the schema cannot express; told at validation, so values may be unknown. */
  readonly validate?: (config: Values) => Diagnostic[];
  /** Refusals of what is going to be made: told as soon as the values are known, at plan or at apply. */
  readonly check?: (planned: Values, config: Values) => Diagnostic[];
  /** What it computes, beside its id. */
  readonly create?: (planned: Values, context: ReadContext) => Values;
  /** What a refresh changes. */
  readonly read?: (state: Values, context: ReadContext) => Values;
};

/** The id that the provider makes up; terraform's older protocol lists it as settable, yet nobody may set it. */
export const generatedId = optionalComputed.string({
  check: () => `"id" is computed by the provider. Remove it from the configuration.`,
});

import type { AccessUrl } from "./access-url.js";
import type { Environment } from "./environment.js";
import type { Block } from "./schema/block.js";
import { optionalComputed } from "./schema/block.js";
import type { Diagnostic } from "./schema/diagnostic.js";
import type { Values } from "./wire/value.js";

/** What a data source or resource can use besides its configuration. */
export type ReadContext = {
  readonly env: Environment;
  readonly accessUrl: AccessUrl;
  /** A fresh random UUID. */
  newId(): string;
};

export type DataSource = {
  readonly version: number;
  readonly block: Block;
  /** Checks that the schema cannot express; run at validation, so values may be unknown. */
  readonly validate?: (config: Values) => Diagnostic[];
  /** Values it adds to, or changes in, its configuration. Throws ConfigurationRefused. */
  readonly read: (config: Values, context: ReadContext) => Values;
  /** The same when faults are to be told beside what it reads, instead of stopping the plan. */
  readonly evaluate?: (config: Values, context: ReadContext) => Evaluated;
};

/** What a data source reads in spite of its faults. */
export type Evaluated = { values: Values; faults: Diagnostic[] };

export type Resource = {
  readonly version: number;
  readonly block: Block;
  /** Checks that the schema cannot express; run at validation, so values may be unknown. */
  readonly validate?: (config: Values) => Diagnostic[];
  /** Checks of what will be created: run as soon as the values are known, at plan or at apply. */
  readonly check?: (planned: Values, config: Values) => Diagnostic[];
  /** Its computed attributes, besides the id. */
  readonly create?: (planned: Values, context: ReadContext) => Values;
  /** What a refresh changes. */
  readonly read?: (state: Values, context: ReadContext) => Values;
  /** Whether a change is made in place instead of replacing it; `read` then gives its computed attributes. */
  readonly stays?: (state: Values, env: Environment) => boolean;
};

/** The provider-generated id; terraform's older protocol lists it as settable, but setting it is not allowed. */
export const generatedId = optionalComputed.string({
  check: () => `"id" is computed by the provider. Remove it from the configuration.`,
});

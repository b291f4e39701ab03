import { randomUUID } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Logger, nullLogger } from "@fleet/base";
import { type AccessUrl, defaultAccessUrl, parseAccessUrl } from "./access-url.js";
import { DATA_SOURCES, PROVIDER_BLOCK, RESOURCES } from "./catalogue.js";
import type { DataSource, Evaluated, ReadContext, Resource } from "./definition.js";
import type { Environment } from "./environment.js";
import { GetProviderSchema_ResponseSchema } from "./gen/tfplugin5_pb.js";
import {
  ConfigurationRefused,
  type Diagnostic,
  diagnosticOf,
  encodeDiagnostic,
  encodePath,
} from "./schema/diagnostic.js";
import { encodeSchema } from "./schema/encode.js";
import { conform, planBlock, replacedPaths, settle } from "./schema/plan.js";
import { readBack } from "./schema/read.js";
import { deprecation, validateBlock } from "./schema/validate.js";
import type { ProviderHandlers } from "./wire/server.js";
import { type DynamicValue, decodeValue, encodeValue, isValues, type Values } from "./wire/value.js";

export type ProviderOptions = {
  /** The build's CODER_* variables; no others are read. */
  readonly env: Environment;
  readonly logger?: Logger;
  /** Generates ids and tokens; random UUIDs unless a test overrides it. */
  readonly newId?: () => string;
  /** Called for each resource that a plan keeps or creates, with its planned values; once, even if it is replaced. */
  readonly onPlanned?: ((type: string, planned: Values) => void) | undefined;
  /**
   * Called for each data source that is read, with what it reads. If set, its faults are told here and not to terraform,
   * whose plan goes on with the other data sources.
   */
  readonly onRead?: ((read: DataRead) => void) | undefined;
};

/** A data source that was read. */
export type DataRead = { type: string; values: Values; faults: readonly Diagnostic[] };

let schemaBytes: Buffer | undefined;

/** The encoded response to GetSchema: the same for every host in the process, so it is encoded once. */
export function encodedSchema(): Buffer {
  schemaBytes ??= Buffer.from(
    toBinary(
      GetProviderSchema_ResponseSchema,
      create(GetProviderSchema_ResponseSchema, {
        provider: encodeSchema(PROVIDER_BLOCK, 0),
        resourceSchemas: schemasOf(RESOURCES),
        dataSourceSchemas: schemasOf(DATA_SOURCES),
        serverCapabilities: { getProviderSchemaOptional: true },
      }),
    ),
  );
  return schemaBytes;
}

function schemasOf(definitions: Readonly<Record<string, DataSource | Resource>>) {
  return Object.fromEntries(
    Object.entries(definitions).map(([name, { block, version }]) => [name, encodeSchema(block, version)]),
  );
}

/** The provider's side of the plugin protocol for one build. */
export function createProvider(options: ProviderOptions): ProviderHandlers {
  const { env, logger = nullLogger, newId = randomUUID } = options;
  let accessUrl: AccessUrl | undefined;
  const context = (): ReadContext => {
    accessUrl ??= parseAccessUrl(defaultAccessUrl(env));
    return { env, accessUrl, newId };
  };
  /** Runs a step; errors become diagnostics in the response built by `refused`. */
  const told = async <T>(what: string, step: () => T, refused = () => ({}) as T): Promise<T> => {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof ConfigurationRefused)) logger.error("Provider error", { what, error });
      return { ...refused(), diagnostics: [encodeDiagnostic(diagnosticOf(error))] } as T;
    }
  };

  return {
    // The server sends encodedSchema() instead of this response.
    getSchema: async () => ({}),

    prepareProviderConfig: ({ config }) =>
      told(
        "provider",
        () => {
          const { url } = valuesOf(config);
          if (typeof url === "string") parseAccessUrl(url);
          else if (url === null) parseAccessUrl(defaultAccessUrl(env));
          return { preparedConfig: encodeValue({ url: url ?? defaultAccessUrl(env) }) };
        },
        () => ({ preparedConfig: encodeValue({ url: null }) }),
      ),

    configure: ({ config }) =>
      told("provider", () => {
        const { url } = valuesOf(config);
        accessUrl = parseAccessUrl(typeof url === "string" ? url : defaultAccessUrl(env));
        return {};
      }),

    validateResourceTypeConfig: ({ typeName, config }) =>
      told(typeName, () => diagnostics(validate(resourceNamed(typeName), valuesOf(config)))),

    validateDataSourceConfig: ({ typeName, config }) =>
      told(typeName, () =>
        options.onRead ? {} : diagnostics(validate(dataSourceNamed(typeName), valuesOf(config))),
      ),

    upgradeResourceState: ({ typeName, rawState }) =>
      told(typeName, () => {
        const stored = JSON.parse(Buffer.from(rawState?.json ?? []).toString("utf8") || "{}") as Values;
        return { upgradedState: encodeValue(conform(resourceNamed(typeName).block, stored)) };
      }),

    readResource: ({ typeName, currentState, private: kept }) =>
      told(
        typeName,
        () => {
          const state = decodeValue(currentState);
          if (!isValues(state)) return { newState: encodeValue(null), private: kept };
          const { block, read } = resourceNamed(typeName);
          const refreshed = { ...state, ...read?.(state, context()) };
          return { newState: encodeValue(settle(block, refreshed)), private: kept };
        },
        () => ({ newState: currentState ?? encodeValue(null), private: kept }),
      ),

    planResourceChange: (request) =>
      told(request.typeName, () => {
        const { block, check, stays } = resourceNamed(request.typeName);
        const prior = decodeValue(request.priorState);
        if (decodeValue(request.proposedNewState) === null) {
          return { plannedState: encodeValue(null), plannedPrivate: request.priorPrivate };
        }
        const before = isValues(prior) ? prior : undefined;
        const planned = planBlock(block, valuesOf(request.config), before);
        const replaced = before && !stays?.(before, env) ? replacedPaths(block, before, planned) : [];
        // A resource to be replaced is planned once more, as a new one.
        if (replaced.length === 0) options.onPlanned?.(request.typeName, planned);
        return {
          ...diagnostics(check?.(planned, valuesOf(request.config)) ?? []),
          plannedState: encodeValue(planned),
          plannedPrivate: request.priorPrivate,
          requiresReplace: replaced.map(encodePath),
          legacyTypeSystem: true,
        };
      }),

    applyResourceChange: (request) =>
      told(
        request.typeName,
        () => {
          const { block, check, create: made, read } = resourceNamed(request.typeName);
          const planned = decodeValue(request.plannedState);
          if (!isValues(planned)) return { newState: encodeValue(null) };
          const refused = check?.(planned, valuesOf(request.config)) ?? [];
          if (refused.length > 0)
            return { ...diagnostics(refused), newState: request.priorState ?? encodeValue(null) };
          const prior = decodeValue(request.priorState);
          const state = isValues(prior)
            ? { ...planned, id: prior.id!, ...read?.({ ...planned, id: prior.id! }, context()) }
            : { ...planned, id: newId(), ...made?.(planned, context()) };
          return {
            newState: encodeValue(settle(block, state)),
            private: request.plannedPrivate,
            legacyTypeSystem: true,
          };
        },
        () => ({ newState: request.priorState ?? encodeValue(null) }),
      ),

    readDataSource: ({ typeName, config }) =>
      told(typeName, () => {
        const source = dataSourceNamed(typeName);
        const values = valuesOf(config);
        const { onRead } = options;
        const found = onRead
          ? evaluated(source, values, context())
          : { values: source.read(values, context()) };
        const state = { ...readBack(source.block, values), ...found.values };
        if (onRead) {
          const faults = validate(source, values).filter(({ severity }) => severity === "error");
          onRead({ type: typeName, values: state, faults: [...faults, ...(found.faults ?? [])] });
        }
        return { state: encodeValue(state) };
      }),

    stop: async () => ({}),
  };
}

type WithDiagnostics = { diagnostics?: ReturnType<typeof encodeDiagnostic>[] };

function diagnostics(list: readonly Diagnostic[]): WithDiagnostics {
  return { diagnostics: list.map(encodeDiagnostic) };
}

/** What it reads, with faults of any kind beside it. */
function evaluated(
  source: DataSource,
  config: Values,
  context: ReadContext,
): Partial<Evaluated> & { values: Values } {
  if (source.evaluate) return source.evaluate(config, context);
  try {
    return { values: source.read(config, context) };
  } catch (error) {
    return { values: {}, faults: [diagnosticOf(error)] };
  }
}

function validate({ block, validate: more }: DataSource | Resource, config: Values): Diagnostic[] {
  const found = [...validateBlock(block, config), ...(more?.(config) ?? [])];
  return block.deprecated ? [...found, deprecation(block.deprecated)] : found;
}

function valuesOf(encoded: DynamicValue | undefined): Values {
  const value = decodeValue(encoded);
  return isValues(value) ? value : {};
}

function resourceNamed(name: string): Resource {
  return named(RESOURCES, name, "resource");
}

function dataSourceNamed(name: string): DataSource {
  return named(DATA_SOURCES, name, "data source");
}

function named<T>(all: Readonly<Record<string, T>>, name: string, what: string): T {
  const found = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!found) throw new ConfigurationRefused(`The coder provider has no ${what} "${name}".`);
  return found;
}

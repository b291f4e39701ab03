import { createGrpcClient } from "@fleet/proto-gen";
import type { Environment } from "../environment.js";
import { Diagnostic_Severity, Provider } from "../gen/tfplugin5_pb.js";
import { hostProvider, PROVIDER_ADDRESS } from "../host.js";
import { decodeValue, encodeValue, type Value, type Values } from "../wire/value.js";

/** A client of a provider hosted for one test, over its real socket. */
export async function hostedClient(env: Environment = {}) {
  const host = await hostProvider({ env });
  const client = createGrpcClient(Provider, { address: `unix:${socketOf(host.reattach)}` });
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await host.close();
    },
  };
}

export function socketOf(reattach: string): string {
  return JSON.parse(reattach)[PROVIDER_ADDRESS].Addr.String as string;
}

export type ToldError = { summary: string; detail: string; path: string };

/** The errors the provider reports for a configuration, with dotted `path`. */
export async function validate(
  kind: "resource" | "dataSource",
  typeName: string,
  config: Values,
): Promise<ToldError[]> {
  await using hosted = await hostedClient();
  const request = { typeName, config: encodeValue(config) };
  const { diagnostics } =
    kind === "resource"
      ? await hosted.client.validateResourceTypeConfig(request)
      : await hosted.client.validateDataSourceConfig(request);
  return errorsOf(diagnostics);
}

/** The plan of a creation. */
export async function plan(typeName: string, config: Values) {
  await using hosted = await hostedClient();
  const encoded = encodeValue(config);
  const response = await hosted.client.planResourceChange({
    typeName,
    config: encoded,
    proposedNewState: encoded,
    priorState: encodeValue(null),
  });
  return { planned: decodeValue(response.plannedState), errors: errorsOf(response.diagnostics) };
}

export async function read(typeName: string, config: Values, env: Environment = {}) {
  await using hosted = await hostedClient(env);
  const response = await hosted.client.readDataSource({ typeName, config: encodeValue(config) });
  return {
    state: decodeValue(response.state) as Record<string, Value>,
    errors: errorsOf(response.diagnostics),
  };
}

type Diagnostics = Awaited<
  ReturnType<Awaited<ReturnType<typeof hostedClient>>["client"]["planResourceChange"]>
>["diagnostics"];

function errorsOf(diagnostics: Diagnostics): ToldError[] {
  return diagnostics
    .filter(({ severity }) => severity === Diagnostic_Severity.ERROR)
    .map(({ summary, detail, attribute }) => ({
      summary,
      detail,
      path: (attribute?.steps ?? []).map(({ selector }) => String(selector.value)).join("."),
    }));
}

import { createGrpcClient } from "@fleet/proto-gen";
import type { Environment } from "./environment.js";
import { Provider } from "./gen/tfplugin5_pb.js";
import { hostProvider } from "./host.js";
import { socketOf } from "./testing/ask.js";
import { plain, unplain } from "./testing/plain.js";
import { type RecordedCall, recordProvider } from "./testing/recorder.js";
import {
  comparable,
  loadRecording,
  loadSchema,
  refusedElsewhere,
  saveRecording,
  saveSchema,
} from "./testing/recording.js";
import { type Host, runScenario } from "./testing/run.js";
import { loadScenarios } from "./testing/scenarios.js";
import { schemaJson } from "./testing/schema-json.js";
import { hasTerraform } from "./testing/terraform.js";
import { launchUpstream, type ProviderClient, upstreamExecutable } from "./testing/upstream.js";

// Two tests of one thing. The first sends our provider the calls that terraform sent to upstream's 2.20.0 in each
// scenario, as recorded. The second runs terraform with both and compares the output; UPDATE_FIXTURES=1 records.

const scenarios = loadScenarios();

async function ask(
  env: Environment,
  calls: readonly RecordedCall[],
  compare: (call: RecordedCall, ours: unknown) => void,
) {
  await using host = await hostProvider({ env });
  const client = createGrpcClient(Provider, { address: `unix:${socketOf(host.reattach)}` });
  try {
    const configure = calls.find(({ method }) => method === "configure");
    if (configure) await client.configure(requestOf(configure));
    for (const call of calls) {
      const answer = async (method: RecordedCall["method"]) => {
        const send = client[method] as ProviderClient["planResourceChange"];
        const response = plain(await send(requestOf(call))) as Record<string, unknown>;
        return comparable({ request: call.request, response });
      };
      const validation = VALIDATED_BY[call.method];
      const valid = !validation || (await answer(validation)) !== "refused";
      compare(call, valid ? await answer(call.method) : "refused");
    }
  } finally {
    client.close();
  }
}

/** Terraform validates a configuration before it plans or reads it. */
const VALIDATED_BY: Partial<Record<RecordedCall["method"], RecordedCall["method"]>> = {
  planResourceChange: "validateResourceTypeConfig",
  readDataSource: "validateDataSourceConfig",
};

const VALUES = ["config", "priorState", "proposedNewState", "plannedState", "currentState"];

function requestOf({ request }: RecordedCall) {
  return Object.fromEntries(
    Object.entries(request).map(([name, value]) => {
      if (VALUES.includes(name)) return [name, unplain(value)];
      if (name === "rawState") return [name, { json: Buffer.from(JSON.stringify(value)) }];
      return [name, name === "version" ? BigInt(value as number) : value];
    }),
  );
}

describe("answers like upstream's provider", () => {
  test.each(scenarios.map(({ name }) => name))("%s", async (name) => {
    for (const { env, calls } of loadRecording(name)) {
      const compared: unknown[] = [];
      const expected: unknown[] = [];
      await ask(env, calls, (call, ours) => {
        const theirs = ours === "refused" && refusedElsewhere(call, calls) ? ours : comparable(call);
        compared.push({ method: call.method, config: call.request.config, answer: ours });
        expected.push({ method: call.method, config: call.request.config, answer: theirs });
      });
      expect(compared).toEqual(expected);
      expect(compared.length).toBeGreaterThan(0);
    }
  });
});

const upstream = upstreamExecutable();
const reason = !upstream
  ? "CODER_TEST_PROVIDER_MIRROR names no mirror with coder/coder 2.20.0"
  : hasTerraform()
    ? undefined
    : "terraform is not on PATH";
if (reason) process.stderr.write(`The live comparison with upstream is skipped: ${reason}.\n`);
const live = reason ? describe.skip : describe;

live("upstream's schema is the recorded one", () => {
  test("attribute by attribute", async () => {
    await using launched = await launchUpstream(upstream!, {});
    const served = schemaJson(await launched.client.getSchema({}));
    if (process.env.UPDATE_FIXTURES === "1") saveSchema(served);
    expect(served).toEqual(loadSchema());
  });
});

async function hostUpstream(
  env: Environment,
  record: (call: RecordedCall) => void = () => {},
): Promise<Host> {
  const launched = await launchUpstream(upstream!, env);
  const recorder = await recordProvider(launched.client, record);
  return {
    reattach: recorder.reattach,
    async [Symbol.asyncDispose]() {
      await recorder[Symbol.asyncDispose]();
      await launched[Symbol.asyncDispose]();
    },
  };
}

live("a state that upstream's provider made", () => {
  test("is accepted by ours: the next plan has no changes", async () => {
    const { name, steps } = scenarios.find((scenario) => scenario.name === "resources")!;
    const hosts = [hostUpstream, (env: Environment) => hostProvider({ env })];
    const [, second] = await runScenario({ name, steps: steps.slice(0, 2) }, (env) => hosts.shift()!(env));
    const changes = second!.changes as { address: string; actions: string[] }[];
    expect(changes.length).toBeGreaterThan(50);
    const changed = changes.filter(({ actions }) => actions.join() !== "no-op");
    // This one shows the agent's token, which every refresh replaces.
    expect(changed.map(({ address }) => address)).toEqual(["coder_metadata.l"]);
  }, 60_000);
});

live("terraform shows of both the same", () => {
  test.each(scenarios.map((scenario) => [scenario.name, scenario] as const))(
    "%s",
    async (name, scenario) => {
      const recording: { env: Environment; calls: RecordedCall[] }[] = [];
      const theirs = await runScenario(scenario, async (env) => {
        const calls: RecordedCall[] = [];
        recording.push({ env, calls });
        return hostUpstream(env, (call) => calls.push(call));
      });
      if (process.env.UPDATE_FIXTURES === "1") saveRecording(name, recording);
      const ours = await runScenario(scenario, (env) => hostProvider({ env }));
      expect(ours).toEqual(theirs);
    },
    120_000,
  );
});

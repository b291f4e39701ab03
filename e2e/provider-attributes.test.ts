import { connectAgent } from "@fleet/agentsdk";
import { DATA_SOURCES, RESOURCES } from "@fleet/terraform-provider";
import { waitFor } from "@fleet/testkit";
import { startFleet } from "./harness/fleet.js";
import { ATTRIBUTES } from "./harness/provider-attributes.js";
import { succeed } from "./harness/workspace.js";

const TEMPLATE = `${import.meta.dirname}/templates/every-attribute`;

type Block = (typeof RESOURCES)[string]["block"];

/** All attributes of a block, as `block.attribute`. */
function pathsOf(name: string, { attributes, blocks = {} }: Block): string[] {
  return [
    ...Object.keys(attributes).map((attribute) => `${name}.${attribute}`),
    ...Object.entries(blocks).flatMap(([nested, { block }]) => pathsOf(`${name}.${nested}`, block)),
  ];
}

test("every attribute of the provider has a row in the table", () => {
  const offered = Object.entries({ ...RESOURCES, ...DATA_SOURCES }).flatMap(([name, { block }]) =>
    pathsOf(name, block),
  );
  const rows = Object.keys(ATTRIBUTES);
  expect([
    ...offered
      .filter((path) => !rows.includes(path))
      .map((path) => `Set ${path} in e2e/templates/every-attribute and add its row to ATTRIBUTES.`),
    ...rows.filter((path) => !offered.includes(path)).map((path) => `Remove ${path} from ATTRIBUTES.`),
  ]).toEqual([]);
});

test("every attribute of a template reaches the API and the agent, or the import warns", async () => {
  await using fleet = await startFleet({
    env: {
      CODER_PROVISIONERD_TAGS: "zone=fra",
      CODER_WILDCARD_ACCESS_URL: "*.apps.test",
      // The template's prebuilds would only keep the machine busy.
      CODER_WORKSPACE_PREBUILDS_RECONCILIATION_INTERVAL: "24h",
    },
  });
  const { client } = fleet;
  await client.userProfileUpdate({
    params: { user: "me" },
    body: { username: "owner", name: "Olive Owner" },
  });
  await succeed(fleet, [
    "templates",
    "push",
    "every",
    "--directory",
    TEMPLATE,
    "--provisioner-tag",
    "zone=fra",
    "--yes",
  ]);
  await succeed(fleet, [
    "create",
    "dev",
    "--template",
    "every",
    "--preset",
    "Large",
    "--parameter-default",
    "branch=main",
    "--yes",
  ]);
  const workspace = await client.workspaceGetByName({ params: { user: "me", workspaceName: "dev" } });
  const [template] = await client.templateList();
  const params = { version: template!.active_version_id };
  const stateOf = async (build: string) =>
    JSON.parse(await (await client.workspaceBuildState({ params: { build } })).text());
  const state = await stateOf(workspace.latest_build.id);
  const token = instanceIn(state, "coder_agent.main").token as string;
  const agent = await connectAgent({ accessUrl: fleet.url, token });
  const manifest = await agent.client.getManifest({});
  const usage = { usedBytes: 95n, totalBytes: 100n };
  const fullMachine = { memory: usage, volumes: [{ path: "/home", usage }] };
  await agent.client.pushResourcesUsage({ samples: Array.from({ length: 20 }, () => fullMachine) });
  // Messages are sent from an outbox, moments after what they tell.
  const inbox = await waitFor(
    async () => {
      const contents = (await client.inboxList()).notifications.map(({ content }) => content);
      const told = ["80%", "90%"].every((part) => contents.some((text) => text.includes(part)));
      return told ? contents : undefined;
    },
    { what: "both warnings in the inbox", timeoutMs: 30_000 },
  );
  agent.close();
  const external = await client.workspaceExternalAgentCredentials({
    params: { workspace: workspace.id, agentName: "outside" },
  });
  const asAgent = { headers: { "coder-session-token": token } };
  const gitSshKey = await fetch(`${fleet.url}/api/v2/workspaceagents/me/gitsshkey`, asAgent);
  const form = { id: 1, inputs: {}, owner_id: null };
  const dynamic = await client.templateVersionDynamicParametersEvaluate({ params, body: form });
  await succeed(fleet, ["stop", "dev", "--yes"]);
  const stopped = await client.workspaceGetByName({ params: { user: "me", workspaceName: "dev" } });
  const stoppedState = await stateOf(stopped.latest_build.id);

  const seen = {
    url: fleet.url,
    workspace,
    template: template!,
    owner: await client.userGet({ params: { user: "me" } }),
    manifest,
    external,
    inbox,
    gitSshKey: gitSshKey.status,
    parameters: await client.templateVersionRichParameters({ params }),
    form: dynamic.parameters,
    presets: await client.templateVersionPresets({ params }),
    externalAuth: await client.templateVersionExternalAuth({ params }),
    state: (address: string) => instanceIn(state, address),
    stopped: (address: string) => instanceIn(stoppedState, address),
  };
  const log = (await client.templateVersionLogs({ params })).map(({ output }) => output).join("\n");
  const found: Record<string, unknown> = {};
  const expected: Record<string, unknown> = {};
  for (const [path, row] of Object.entries(ATTRIBUTES)) {
    if ("warned" in row) {
      found[path] = log.match(/^Warning: Not supported: .*$/gm) ?? [];
      expected[path] = expect.arrayContaining([expect.stringContaining(row.warned)]);
    } else {
      found[path] = row.of(seen);
      expected[path] = typeof row.is === "function" ? row.is(seen) : row.is;
    }
  }
  expect(found).toEqual(expected);
});

type State = {
  resources: { mode: string; type: string; name: string; instances: { attributes: object }[] }[];
};

/** Attributes of the first instance of `type.name` in terraform's state. */
function instanceIn({ resources }: State, address: string): Record<string, unknown> {
  const found = resources.find(({ type, name }) => `${type}.${name}` === address);
  if (!found?.instances[0]) throw new Error(`There is no ${address} in the state.`);
  return found.instances[0].attributes as Record<string, unknown>;
}

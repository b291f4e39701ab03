import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { systemClock } from "@fleet/base";
import { waitFor } from "@fleet/testkit";
import { createAgentWorkspace, createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";
import { MONITORING, nextState, type Sample } from "./monitoring.js";

const sample = (percent?: number): Sample =>
  new Map(percent === undefined ? [] : [["/home", { usedBytes: percent, totalBytes: 100 }]]);
const times = (count: number, one: Sample) => Array.from({ length: count }, () => one);
const full = MONITORING.samples;

test.each<[string, "OK" | "NOK", Sample[], "OK" | "NOK"]>([
  ["no sample", "OK", [], "OK"],
  ["no sample while short", "NOK", [], "NOK"],
  ["few above the threshold", "OK", times(3, sample(90)), "OK"],
  ["a fifth of them in a row", "OK", times(4, sample(80)), "NOK"],
  ["a fifth, not in a row", "OK", [1, 2, 3, 4].flatMap(() => [sample(90), sample(10)]), "OK"],
  ["half of them", "OK", times(full / 2, sample(90)).flatMap((one) => [one, sample(10)]), "NOK"],
  ["all below", "NOK", times(full, sample(79)), "OK"],
  ["below, but one is missing", "NOK", [...times(full - 1, sample(10)), sample()], "NOK"],
  ["a volume without size", "NOK", times(full, new Map([["/home", { usedBytes: 0, totalBytes: 0 }]])), "NOK"],
])("%s: the next state of %s", (_what, state, samples, expected) => {
  expect(nextState({ path: "/home", threshold: 80, state }, samples)).toBe(expected);
});

test("the owner is notified of low memory or disk space at most once in five minutes", async () => {
  let skippedMs = 0;
  await using server = await createTestCoderd({
    clock: { ...systemClock, now: () => new Date(systemClock.now().getTime() + skippedMs) },
  });
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { token, workspace } = await createAgentWorkspace(owner, owner, {
    resourcesMonitoring: {
      memory: { enabled: true, threshold: 90 },
      volumes: [
        { path: "/home", enabled: true, threshold: 80 },
        { path: "/off", enabled: false, threshold: 1 },
      ],
    },
  });
  using agent = await createTestAgent(server, token);
  const manifest = await agent.client.getManifest({});
  expect(manifest.resourcesMonitoring).toMatchObject({ memory: true, volumes: ["/home"], samples: 20 });

  const usage = (percent: number) => ({ usedBytes: BigInt(percent), totalBytes: 100n });
  const report = (memory: number, home: number, count = full) =>
    agent.client.pushResourcesUsage({
      samples: Array.from({ length: count }, () => ({
        collectedAt: timestampFromDate(new Date()),
        memory: usage(memory),
        volumes: [
          { path: "/home", usage: usage(home) },
          { path: "/off", usage: usage(100) },
          { path: "/nobody asked", usage: usage(100) },
        ],
      })),
    });
  const titles = async () => (await owner.client.inboxList()).notifications.map(({ title }) => title);
  const inbox = (count: number) =>
    waitFor(
      async () => {
        const found = await titles();
        return found.length === count ? found : undefined;
      },
      { what: `${count} notifications` },
    );
  /** Once all that is to be sent has been sent. */
  const settled = () =>
    waitFor(async () => (await owner.client.deliveryList({ query: { state: "pending" } })).count === 0, {
      what: "all notifications to be sent",
    });
  await report(10, 10);
  await settled();
  expect(await titles()).toEqual([]);
  await report(95, 85);
  expect((await inbox(2)).sort()).toEqual([
    `Workspace "${workspace.name}" is running out of disk space`,
    `Workspace "${workspace.name}" is running out of memory`,
  ]);
  const { notifications } = await owner.client.inboxList();
  expect(notifications.map(({ content }) => content).join()).toContain("/home (80%)");
  // Short again too soon, and again after a while.
  await report(10, 10);
  await report(95, 10);
  await settled();
  expect(await titles()).toHaveLength(2);
  await report(10, 10);
  skippedMs = 6 * 60_000;
  await report(95, 10);
  await inbox(3);
  // What an agent should not send.
  await agent.client.pushResourcesUsage({ samples: [{ memory: { usedBytes: -5n, totalBytes: 0n } }] });
});

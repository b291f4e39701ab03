import type { AgentClient } from "@fleet/agentsdk";
import { nullLogger, systemClock } from "@fleet/base";
import { createUplink } from "./delivery.js";
import { createLogs } from "./logs.js";

type Call = { logSourceId: string; sequence: bigint; logs: { output: string }[] };

function logs(answer: (call: Call) => boolean = () => false) {
  const immediate = {
    ...systemClock,
    after: (ms: number, callback: () => void) => systemClock.after(ms < 1_000 ? 0 : ms, callback),
  };
  const uplink = createUplink({ clock: immediate, logger: nullLogger });
  const calls: Call[] = [];
  const client = {
    async batchCreateLogs(call: Call) {
      calls.push(call);
      return { logLimitExceeded: answer(call) };
    },
  } as unknown as AgentClient;
  const own = createLogs(uplink, "boot");
  const push = (sourceId: string, output: string) =>
    own.push({ sourceId, createdAt: new Date(0), level: "info", output });
  const of = (source: string) =>
    calls
      .filter(({ logSourceId }) => logSourceId === source)
      .flatMap((call) => call.logs.map(({ output }) => output));
  /** Lets coderd come, and waits until it has everything. */
  const connect = async () => {
    uplink.use(client);
    await own.flush(10_000);
  };
  return { push, of, calls, connect };
}

test("the beginning of a log flood is kept, and so are all lines of other sources", async () => {
  const { push, of, connect } = logs();
  push("flood", "before");
  for (let at = 0; at < 300; at++) push("flood", "x".repeat(8_192));
  for (let at = 0; at < 300; at++) push("small", `small ${at}`);
  await connect();
  expect(of("flood")[0]).toBe("before");
  expect(of("flood")).toHaveLength(1 + 127);
  expect(of("small")).toEqual(Array.from({ length: 300 }, (_, at) => `small ${at}`));
  push("flood", "after");
  await connect();
  expect(of("flood").slice(-2)).toEqual([
    "173 lines were dropped because the script logs faster than its log can be sent.",
    "after",
  ]);
});

test("during many floods every source gets its share", async () => {
  const { push, of, connect } = logs();
  for (let source = 0; source < 8; source++) {
    for (let at = 0; at < 200; at++) push(`flood ${source}`, "x".repeat(8_192));
  }
  push("small", "here");
  await connect();
  expect(of("small")).toEqual(["here"]);
  expect(of("flood 7").length).toBeGreaterThanOrEqual(7);
});

test("no call exceeds gRPC's message limit", async () => {
  const { push, calls, connect } = logs();
  for (let at = 0; at < 1_000; at++) push("a", "é".repeat(1_000));
  await connect();
  const sizes = calls.map((call) =>
    call.logs.reduce((sum, { output }) => sum + Buffer.byteLength(output), 0),
  );
  expect(Math.max(...sizes)).toBeLessThan(2 * 1024 * 1024);
  expect(calls.map(({ sequence }) => sequence)).toEqual(
    [...calls.map(({ sequence }) => sequence)].sort((a, b) => Number(a - b)),
  );
});

test("a source whose log is full sends no more, the others do", async () => {
  const { push, of, calls, connect } = logs(({ logSourceId }) => logSourceId === "full");
  for (let at = 0; at < 200; at++) push("full", "x".repeat(4_096));
  push("other", "here");
  await connect();
  push("full", "later");
  push("other", "later");
  await connect();
  expect(calls.filter(({ logSourceId }) => logSourceId === "full")).toHaveLength(1);
  expect(of("other")).toEqual(["here", "later"]);
});

import { LogLevel, type UpdateJobRequest } from "@fleet/proto-gen/provisioner";
import { createFakeClock, createTestLogger } from "@fleet/testkit";
import type { CoderdClient } from "../coderd-client.js";
import { createMask } from "./mask.js";
import { CHECKPOINT_MS, createJobUpdates, FLUSH_MS, MAX_LINE_CHARS, MAX_WAITING_BYTES } from "./updates.js";

/** A stream that accepts messages and never answers: coderd hangs. */
function createSilentCoderd() {
  const sent: UpdateJobRequest[] = [];
  let opened = 0;
  const client = {
    updateJob() {
      opened += 1;
      return {
        send: async (message: UpdateJobRequest) => void sent.push(message),
        end() {},
        cancel() {},
        [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }),
      };
    },
  } as unknown as Pick<CoderdClient, "updateJob">;
  return { client, sent, opened: () => opened };
}

function start() {
  const coderd = createSilentCoderd();
  const clock = createFakeClock();
  const updates = createJobUpdates({
    client: coderd.client,
    jobId: "job",
    daemonId: "daemon",
    onCanceled() {},
    onLost() {},
    lease: { heard() {}, beatMs: 5_000 },
    stopwatch: { readMs: () => clock.now().getTime() },
    clock,
    mask: createMask(),
    logger: createTestLogger(),
  });
  return { coderd, clock, updates };
}

test("a job shorter than a flush opens no stream; its log lines are sent with its result", async () => {
  const { coderd, updates } = start();
  updates.stage("Setting up");
  updates.log(LogLevel.INFO, "hello");
  const [last] = await updates.finish();
  expect(coderd.opened()).toBe(0);
  expect(last).toMatchObject({
    sequence: 1n,
    logs: [
      { stage: "Setting up", output: "" },
      { stage: "Setting up", output: "hello" },
    ],
  });
});

test("the buffer is bounded: further lines are dropped, counted and reported", async () => {
  const { clock, updates } = start();
  const line = "x".repeat(MAX_LINE_CHARS + 100);
  const fits = Math.floor(MAX_WAITING_BYTES / (MAX_LINE_CHARS + 1));
  for (let i = 0; i < fits + 10; i++) updates.log(LogLevel.INFO, line);
  await clock.advance(FLUSH_MS);
  const finished = updates.finish();
  await clock.advance(10_000);
  const logs = (await finished).flatMap((update) => update.logs);
  expect(logs).toHaveLength(fits);
  expect(logs[0]!.output).toHaveLength(MAX_LINE_CHARS + 1);
});

test("only the latest pending state is kept, and it is sent at its own pace", async () => {
  const { coderd, clock, updates } = start();
  updates.checkpoint(new Uint8Array([1]));
  await clock.advance(FLUSH_MS);
  updates.checkpoint(new Uint8Array([2]));
  await clock.advance(FLUSH_MS);
  expect(coderd.sent.filter((update) => update.checkpointState.length > 0)).toHaveLength(1);
  updates.checkpoint(new Uint8Array([3]));
  await clock.advance(CHECKPOINT_MS);
  const finished = updates.finish();
  await clock.advance(10_000);
  const states = (await finished)
    .map((update) => [...update.checkpointState])
    .filter((state) => state.length > 0);
  expect(states).toEqual([[3]]);
});

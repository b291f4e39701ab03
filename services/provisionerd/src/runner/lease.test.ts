import type { UpdateJobRequest, UpdateJobResponse } from "@fleet/proto-gen/provisioner";
import { createFakeClock, createTestLogger } from "@fleet/testkit";
import type { CoderdClient } from "../coderd-client.js";
import { createStopwatch } from "../stopwatch.js";
import { createJobLease } from "./lease.js";
import { createMask } from "./mask.js";
import { createJobStop } from "./stop.js";
import { createJobUpdates } from "./updates.js";

const LOST_AFTER_MS = 60_000;

/** A running job's updates, lease and stop, against a coderd that answers until it is disconnected. */
function startJob() {
  const time = createFakeClock();
  let leapMs = 0;
  const clock = { ...time, now: () => new Date(time.now().getTime() + leapMs) };
  let connected = true;
  const client = {
    updateJob() {
      const answers: UpdateJobResponse[] = [];
      let wake = () => {};
      return {
        async send({ sequence }: UpdateJobRequest) {
          if (connected) answers.push({ acknowledged: sequence } as UpdateJobResponse);
          wake();
        },
        end() {},
        cancel() {},
        async *[Symbol.asyncIterator]() {
          for (;;) {
            while (answers.length > 0) yield answers.shift()!;
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
          }
        },
      };
    },
  } as unknown as Pick<CoderdClient, "updateJob">;
  const stop = createJobStop(clock);
  const stopwatch = createStopwatch(clock, () => lease.check());
  const lease = createJobLease({ stopwatch, askedAtMs: 0, lostAfterMs: LOST_AFTER_MS, stop });
  createJobUpdates({
    client,
    jobId: "job",
    daemonId: "daemon",
    onCanceled() {},
    onLost() {},
    lease,
    stopwatch,
    clock,
    mask: createMask(),
    logger: createTestLogger(),
  });
  return {
    stop,
    lease,
    advance: time.advance,
    /** Advances the wall clock without running timers: the machine slept, or the clock was set. */
    leap(ms: number) {
      leapMs += ms;
    },
    cutOff() {
      connected = false;
    },
    state: () => (stop.forced.aborted ? "killed" : stop.graceful.aborted ? "ending" : "running"),
  };
}

test("a job continues while coderd acknowledges its heartbeats", async () => {
  const job = startJob();
  await job.advance(10 * LOST_AFTER_MS);
  expect(job.state()).toBe("running");
});

test("a job without contact to coderd is canceled at half of its lease, and killed well before its end", async () => {
  const job = startJob();
  await job.advance(20_000);
  job.cutOff();
  await job.advance(24_000);
  expect(job.state()).toBe("running");
  await job.advance(6_000);
  expect(job.state()).toBe("ending");
  await job.advance(15_000);
  expect(job.state()).toBe("killed");
  expect(job.stop.reason).toBe("silent");
});

test("a machine suspended for longer than a lease kills the job on resume", async () => {
  const job = startJob();
  await job.advance(20_000);
  job.leap(10 * LOST_AFTER_MS);
  await job.advance(1_000);
  expect(job.state()).toBe("killed");
});

test("nothing is started after a suspend, even before any timer has run", async () => {
  const job = startJob();
  await job.advance(20_000);
  job.leap(LOST_AFTER_MS);
  job.lease.check();
  expect(job.state()).toBe("killed");
});

test("setting back the wall clock does not extend a lease", async () => {
  const job = startJob();
  await job.advance(20_000);
  job.cutOff();
  job.leap(-3_600_000);
  await job.advance(46_000);
  expect(job.state()).toBe("killed");
});

test("a canceled job is killed when its lease ends, even within its grace period", async () => {
  const job = startJob();
  job.cutOff();
  job.stop.request("canceled", 600_000);
  await job.advance(46_000);
  expect(job.state()).toBe("killed");
  expect(job.stop.reason).toBe("canceled");
});

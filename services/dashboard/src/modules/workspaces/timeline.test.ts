import type { BuildTimings } from "@fleet/sdk";
import { agent, build, job, workspace } from "../../testing/samples.js";
import { segmentsOf } from "./timeline.js";

const at = (second: number) => `2026-03-02T09:00:${String(second).padStart(2, "0")}Z`;
const spans = (segments: ReturnType<typeof segmentsOf>) =>
  segments.map(({ name, start, end, failed }) =>
    [name, end === undefined ? "…" : (end - start) / 1_000, ...(failed ? ["failed"] : [])].join(" "),
  );

test("a finished start has all segments, and the last agent decides", () => {
  const done = workspace({
    latest_build: build({ created_at: at(0), job: job({ started_at: at(2), completed_at: at(20) }) }, [
      agent({ first_connected_at: at(24), started_at: at(24), ready_at: at(30) }),
      agent({ first_connected_at: at(29), started_at: at(29), ready_at: at(40) }),
    ]),
  });
  const stage = (name: string, from: number, to: number) => ({
    stage: name,
    started_at: at(from),
    ended_at: at(to),
  });
  const timings = {
    provisioner_timings: [stage("init", 2, 4), stage("plan", 4, 8), stage("apply", 9, 20)],
  } as unknown as BuildTimings;
  expect(spans(segmentsOf(done, timings))).toEqual([
    "Queue 2",
    "Plan 6",
    "Apply 11",
    "Connect 9",
    "Scripts 16",
  ]);
});

test("what goes on has no end, and what failed says so", () => {
  const running = workspace({
    latest_build: build(
      { created_at: at(0), job: job({ status: "running", started_at: at(2), completed_at: undefined }) },
      [],
    ),
  });
  expect(spans(segmentsOf(running, undefined))).toEqual(["Queue 2", "Build …"]);
  const failed = workspace({
    latest_build: build(
      { created_at: at(0), job: job({ status: "failed", started_at: at(2), completed_at: at(5) }) },
      [],
    ),
  });
  expect(spans(segmentsOf(failed, undefined))).toEqual(["Queue 2", "Build 3 failed"]);
  const coming = workspace({
    latest_build: build({ created_at: at(0), job: job({ started_at: at(2), completed_at: at(5) }) }, [
      agent({
        status: "connecting",
        first_connected_at: undefined,
        started_at: undefined,
        ready_at: undefined,
      }),
    ]),
  });
  expect(spans(segmentsOf(coming, undefined))).toEqual(["Queue 2", "Build 3", "Connect …"]);
});

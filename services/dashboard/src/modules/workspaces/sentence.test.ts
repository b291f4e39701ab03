import { build, job, workspace } from "../../testing/samples.js";
import { sentenceOf } from "./sentence.js";

const NOW = new Date("2026-03-02T11:05:30Z");
const told = (changes: Parameters<typeof build>[0], usualMs?: number) =>
  sentenceOf(workspace({ latest_build: build(changes) }), usualMs, NOW);

test.each([
  [
    "a running workspace says since when, by whom, and that nothing stops it",
    { status: "running" },
    "Running for 2 h 5 min, started by ana. Runs until it is stopped.",
  ],
  [
    "a build says how long it takes and usually takes",
    {
      status: "starting",
      reason: "autostart",
      job: job({ status: "running", started_at: "2026-03-02T11:05:18Z", completed_at: undefined }),
    },
    "Starting for 12.0 s, usually takes 40.0 s, requested by schedule.",
  ],
  [
    "a stopped workspace says why",
    { status: "stopped", transition: "stop", reason: "autostop" },
    "Stopped 2 hours ago by autostop.",
  ],
  [
    "a failure names what failed",
    { status: "failed", transition: "stop" },
    "The stop failed 2 hours ago; it was requested by ana.",
  ],
] as const)("%s", (_, changes, sentence) => {
  expect(told(changes, 40_000)).toBe(sentence);
});

test("a deadline is a time of day, and of which day if it is not today", () => {
  const at = (deadline: string) => told({ status: "running", deadline });
  expect(at("2026-03-02T11:45:00Z")).toMatch(/Stops at \d\d:\d\d( [AP]M)?\.$/);
  expect(at("2026-03-05T11:45:00Z")).toMatch(/Stops on .*5.* at \d\d:\d\d( [AP]M)?\.$/);
});

import { createGrants, FleetError, type Grant, type Verdict } from "@fleet/base";

const GONE = new FleetError("unauthenticated", "Your session has expired. Sign in again.");

/** Grants with a clock that the test moves, and the answers they get when they are checked. */
function start() {
  const test = {
    nowMs: 1_000,
    verdict: { holds: true } as Verdict,
    asked: [] as string[][],
    ended: [] as string[],
  };
  const clock = { now: () => new Date(test.nowMs) } as Parameters<typeof createGrants>[0]["clock"];
  const grants = createGrants<Grant>({
    clock,
    async ask(due) {
      test.asked.push(due.map(({ subjects }) => [...subjects].join()));
      return due.map(() => test.verdict);
    },
  });
  const hold = (subject: string, expiresAtMs?: number) =>
    grants.hold({ subjects: [subject], expiresAtMs }, test.nowMs, ({ message }) =>
      test.ended.push(`${subject} ${message}`),
    );
  return { test, grants, hold };
}

test("only grants of a changed subject are checked again, and end if denied", async () => {
  const { test, grants, hold } = start();
  hold("user:a");
  hold("user:b");
  test.nowMs += 10;
  test.verdict = { holds: false, reason: GONE };
  await grants.look();
  expect(test.asked).toEqual([]);
  grants.changed(["user:a", "workspace:c"]);
  await grants.look();
  expect(test.asked).toEqual([["user:a"]]);
  expect(test.ended).toEqual([`user:a ${GONE.message}`]);
  expect(grants.size).toBe(1);
});

test("a change between the decision and the opening of a stream counts; one before the decision does not", async () => {
  const { test, grants } = start();
  const decidedAtMs = test.nowMs;
  test.nowMs += 10;
  grants.changed(["user:a"]);
  grants.hold({ subjects: ["user:a"] }, decidedAtMs, () => {});
  expect(grants.counts(["user:a"], decidedAtMs)).toBe(false);
  test.nowMs += 10;
  await grants.look();
  expect(test.asked).toHaveLength(1);
  await grants.look();
  expect(test.asked).toHaveLength(1);
  expect(grants.counts(["user:a"], test.nowMs)).toBe(true);
});

test("a failed check is retried, and nothing ends meanwhile", async () => {
  const { test, grants, hold } = start();
  hold("user:a");
  grants.changed("all");
  test.verdict = undefined;
  await grants.look();
  test.nowMs += 60 * 60_000; // Long after the change itself was forgotten.
  grants.changed([]);
  await grants.look();
  expect(test.ended).toEqual([]);
  test.verdict = { holds: false, reason: GONE };
  await grants.look();
  expect(test.ended).toHaveLength(1);
});

test("an expiring grant is checked at its expiry, and again if it was extended", async () => {
  const { test, grants, hold } = start();
  hold("key:a", 2_000);
  await grants.look();
  expect(test.asked).toEqual([]);
  test.nowMs = 2_000;
  test.verdict = { holds: true, expiresAtMs: 3_000 };
  await grants.look();
  await grants.look();
  expect(test.asked).toHaveLength(1);
  test.nowMs = 3_000;
  test.verdict = { holds: false, reason: GONE };
  await grants.look();
  expect(test.ended).toHaveLength(1);
});

test("closed streams are not checked", async () => {
  const { test, grants, hold } = start();
  hold("user:a")();
  grants.changed("all");
  await grants.look();
  expect(test.asked).toEqual([]);
});

test("many changes stay bounded: beyond the limit every earlier decision is checked again", async () => {
  const { test, grants, hold } = start();
  hold("user:a");
  for (let round = 0; round < 11; round++)
    grants.changed(Array.from({ length: 10_000 }, (_, i) => `key:${round}-${i}`));
  await grants.look();
  expect(test.asked).toEqual([["user:a"]]);
});

import { isStart, nextStart, parseAutostart } from "./autostart.js";

test("an autostart is one minute of some days of the week, in a time zone", () => {
  expect(parseAutostart("CRON_TZ=Europe/Berlin 30 9 * * 1-5")).toEqual({
    timezone: "Europe/Berlin",
    hour: 9,
    minute: 30,
    weekdays: ["monday", "tuesday", "wednesday", "thursday", "friday"],
  });
  expect(parseAutostart("0 8 * * *").timezone).toBe("UTC");
});

test.each([
  "* * * * *",
  "0 8 1 * *",
  "0 8 * * 5L",
  "0 8 * * 1#2",
  "0 8 * * ?",
  "0 8 * * 9",
  "CRON_TZ=Mars/Olympus 0 8 * * *",
  "99 8 * * *",
  "hourly",
])("%s is rejected", (text) => {
  expect(() => parseAutostart(text)).toThrow(/schedule/);
});

test("the next start is on a day that the template allows", () => {
  const friday = new Date("2026-01-02T12:00:00Z");
  const schedule = "CRON_TZ=UTC 0 9 * * *";
  expect(nextStart(schedule, ["saturday"], friday)).toEqual(new Date("2026-01-03T09:00:00Z"));
  expect(nextStart(schedule, ["monday"], friday)).toEqual(new Date("2026-01-05T09:00:00Z"));
  expect(nextStart(schedule, [], friday)).toBeNull();
});

const EVERY_DAY = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

test.each([
  // Clocks skip 02:30: the start is at 03:30. They repeat 02:30: it is at the first.
  ["Europe/Berlin", "30 2", "2026-03-28", ["28T01:30", "29T01:30", "30T00:30"]],
  ["Europe/Berlin", "30 2", "2026-10-24", ["24T00:30", "25T00:30", "26T01:30"]],
  ["America/New_York", "30 1", "2026-10-31", ["31T05:30", "01T05:30", "02T06:30"]],
  ["America/Sao_Paulo", "0 0", "2018-11-03", ["03T03:00", "04T03:00", "05T02:00"]],
  // Half an hour.
  ["Australia/Lord_Howe", "15 2", "2026-10-03", ["02T15:45", "03T15:45", "04T15:15"]],
  ["Australia/Lord_Howe", "45 1", "2026-04-04", ["03T14:45", "04T14:45", "05T15:15"]],
])("when clocks change in %s, a start at %s comes once a day", (timezone, time, date, expected) => {
  const schedule = `CRON_TZ=${timezone} ${time} * * *`;
  const from = Date.parse(`${date}T00:00:00Z`) - 10 * 3_600_000;
  // From whatever time the next one is asked: each quarter of an hour.
  const starts = new Set<string>();
  for (let at = from; at < from + 66 * 3_600_000; at += 15 * 60_000)
    starts.add(nextStart(schedule, EVERY_DAY, new Date(at))!.toISOString().slice(8, 16));
  expect([...starts].slice(0, 3)).toEqual(expected);
  const one = nextStart(schedule, EVERY_DAY, new Date(from))!;
  expect(isStart(schedule, EVERY_DAY, one)).toBe(true);
  expect(isStart(schedule, EVERY_DAY, new Date(one.getTime() + 3_600_000))).toBe(false);
});

test("in a year, each time zone has one start a day, from whatever time the next one is asked", () => {
  for (const timezone of [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "UTC",
  ]) {
    const schedule = `CRON_TZ=${timezone} 30 2 * * *`;
    const starts: number[] = [];
    let at = new Date("2026-01-01T12:00:00Z");
    while (starts.length < 365) {
      at = nextStart(schedule, EVERY_DAY, at)!;
      starts.push(at.getTime());
    }
    const gaps = starts.slice(1).map((start, index) => (start - starts[index]!) / 3_600_000);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(23);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(25);
    for (const start of starts) {
      expect(isStart(schedule, EVERY_DAY, new Date(start))).toBe(true);
      expect(nextStart(schedule, EVERY_DAY, new Date(start - 20 * 60_000))!.getTime()).toBe(start);
    }
  }
});

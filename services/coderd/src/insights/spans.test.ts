import { intervalsOf, lastDays, offsetHours, spansOf } from "./spans.js";

const HOUR_MS = 3_600_000;
const hoursOf = ({ from, to }: { from: Date; to: Date }) => (to.getTime() - from.getTime()) / HOUR_MS;
const range = (from: string, to: string) => ({ from: new Date(from), to: new Date(to) });

test("a range is the minutes of the UTC days that it touches", () => {
  expect(spansOf([range("2026-11-28T23:30:00Z", "2026-11-30T00:00:00Z")])).toEqual([
    { range: 0, day: "2026-11-28", low: 1410, high: 1440 },
    { range: 0, day: "2026-11-29", low: 0, high: 1440 },
  ]);
  // Midnight to midnight in Kathmandu, 5:45 ahead of UTC.
  expect(spansOf([range("2026-11-29T00:00:00+05:45", "2026-11-30T00:00:00+05:45")])).toEqual([
    { range: 0, day: "2026-11-28", low: 1095, high: 1440 },
    { range: 0, day: "2026-11-29", low: 0, high: 1095 },
  ]);
});

test.each([
  // Clocks go forward, back, forward at midnight, and not at all.
  ["Europe/Berlin", "2026-03-29", 23],
  ["Europe/Berlin", "2026-10-25", 25],
  ["America/Santiago", "2026-09-06", 23],
  ["Asia/Kolkata", "2026-03-29", 24],
  ["Pacific/Kiritimati", "2026-03-29", 24],
])("in %s, %s has %i hours", (timezone, date, hours) => {
  const days = lastDays({ timezone }, new Date(`${date}T12:00:00Z`), 3);
  const day = lastDays({ timezone }, new Date(Date.parse(date) + 30 * HOUR_MS), 5).find(
    (one) => one.date === date,
  )!;
  expect(hoursOf(day)).toBe(hours);
  for (const [index, one] of days.entries()) if (index > 0) expect(one.from).toEqual(days[index - 1]!.to);
});

test("sixty days have a date each, whatever the clock does", () => {
  const days = lastDays({ timezone: "Europe/Berlin" }, new Date("2026-11-15T08:00:00Z"), 60);
  expect(new Set(days.map(({ date }) => date)).size).toBe(60);
  expect(days[0]!.date).toBe("2026-09-17");
  expect(days.at(-1)!.date).toBe("2026-11-15");
  expect(days.reduce((sum, day) => sum + hoursOf(day), 0)).toBe(60 * 24 + 1);
  const offset = (zone: Parameters<typeof offsetHours>[0]) =>
    offsetHours(zone, new Date("2026-07-01T00:00:00Z"));
  expect([offset({ timezone: "Europe/Berlin" }), offset({ offsetHours: -5 })]).toEqual([2, -5]);
});

test("a range is split into days, of which the last takes the change of the clock", () => {
  const day = 24 * HOUR_MS;
  const plain = range("2026-11-01T00:00:00Z", "2026-11-04T10:00:00Z");
  expect(intervalsOf(plain, day, 0).map(hoursOf)).toEqual([24, 24, 24, 10]);
  const back = range("2026-10-24T00:00:00+02:00", "2026-10-27T00:00:00+01:00");
  expect(intervalsOf(back, day, -HOUR_MS).map(hoursOf)).toEqual([24, 24, 25]);
  const forward = range("2026-03-28T00:00:00+01:00", "2026-03-31T00:00:00+02:00");
  expect(intervalsOf(forward, day, HOUR_MS).map(hoursOf)).toEqual([24, 24, 23]);
});

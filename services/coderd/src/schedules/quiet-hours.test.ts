import { parseQuietHours, requiredStop } from "./quiet-hours.js";

const berlin = parseQuietHours("CRON_TZ=Europe/Berlin 30 2 * * *");
const at = (text: string) => new Date(text);

test("a workspace must stop when its owner's quiet hours begin on a required day", () => {
  const weekend = { days: ["saturday", "sunday"], weeks: 1 };
  // 2026-01-01 is a Thursday; Berlin is one hour ahead of UTC.
  expect(requiredStop(weekend, berlin, at("2026-01-01T12:00:00Z"))).toEqual(at("2026-01-03T01:30:00Z"));
  expect(requiredStop(weekend, berlin, at("2026-01-03T02:00:00Z"))).toEqual(at("2026-01-04T01:30:00Z"));
  expect(requiredStop({ days: [], weeks: 1 }, berlin, at("2026-01-01T12:00:00Z"))).toBeNull();
});

test("days are in the owner's time zone, not UTC", () => {
  const tokyo = parseQuietHours("CRON_TZ=Asia/Tokyo 0 2 * * *");
  // Monday 02:00 in Tokyo is Sunday 17:00 in UTC.
  expect(requiredStop({ days: ["monday"], weeks: 1 }, tokyo, at("2026-01-01T00:00:00Z"))).toEqual(
    at("2026-01-04T17:00:00Z"),
  );
});

test("a start within an hour before a required stop runs until the next one", () => {
  const daily = { days: ["friday", "saturday"], weeks: 1 };
  expect(requiredStop(daily, berlin, at("2026-01-02T00:15:00Z"))).toEqual(at("2026-01-02T01:30:00Z"));
  expect(requiredStop(daily, berlin, at("2026-01-02T00:45:00Z"))).toEqual(at("2026-01-03T01:30:00Z"));
});

test("every second week means the same weeks for everybody", () => {
  const second = { days: ["saturday"], weeks: 2 };
  const first = requiredStop(second, berlin, at("2026-01-01T00:00:00Z"))!;
  const next = requiredStop(second, berlin, first)!;
  expect(next.getTime() - first.getTime()).toBe(14 * 24 * 3_600_000);
  expect(requiredStop(second, berlin, new Date(first.getTime() + 24 * 3_600_000))).toEqual(next);
});

test("the hour follows daylight saving time", () => {
  // Daylight saving time starts on 2026-03-29 in Berlin.
  const sunday = { days: ["monday"], weeks: 1 };
  expect(requiredStop(sunday, berlin, at("2026-03-28T12:00:00Z"))).toEqual(at("2026-03-30T00:30:00Z"));
});

test.each(["0 25 * * *", "CRON_TZ=Mars/Base 0 3 * * *", "0 3 * * 1-5", "hourly"])(
  "%s is rejected",
  (text) => {
    expect(() => parseQuietHours(text)).toThrow(/is not a valid schedule.*Example/);
  },
);

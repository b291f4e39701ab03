import { nextStart, parseAutostart } from "./autostart.js";

test("an autostart is one minute of some days of the week, in a time zone", () => {
  expect(parseAutostart("CRON_TZ=Europe/Berlin 30 9 * * 1-5")).toEqual({
    timezone: "Europe/Berlin",
    hour: 9,
    minute: 30,
    cron: "30 9 * * 1-5",
  });
  expect(parseAutostart("0 8 * * *").timezone).toBe("UTC");
});

test.each(["* * * * *", "0 8 1 * *", "CRON_TZ=Mars/Olympus 0 8 * * *", "99 8 * * *", "hourly"])(
  "%s is rejected",
  (text) => {
    expect(() => parseAutostart(text)).toThrow(/schedule/);
  },
);

test("the next start is on a day that the template allows", () => {
  const friday = new Date("2026-01-02T12:00:00Z");
  const schedule = "CRON_TZ=UTC 0 9 * * *";
  expect(nextStart(schedule, ["saturday"], friday)).toEqual(new Date("2026-01-03T09:00:00Z"));
  expect(nextStart(schedule, ["monday"], friday)).toEqual(new Date("2026-01-05T09:00:00Z"));
  expect(nextStart(schedule, [], friday)).toBeNull();
});

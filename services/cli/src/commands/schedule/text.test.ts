import { cronOf, parseSchedule, scheduleText } from "./text.js";

test.each([
  [["9:30AM"], "CRON_TZ=Europe/Berlin 30 9 * * *"],
  [["9am", "Mon-Fri"], "CRON_TZ=Europe/Berlin 0 9 * * Mon-Fri"],
  [["12am"], "CRON_TZ=Europe/Berlin 0 0 * * *"],
  [["12:05PM", "Sat,Sun", "America/New_York"], "CRON_TZ=America/New_York 5 12 * * Sat,Sun"],
  [["21:30", "UTC", "1-5"], "CRON_TZ=UTC 30 21 * * 1-5"],
])("%j", (words, cron) => {
  expect(cronOf(parseSchedule(words, "Europe/Berlin"))).toBe(cron);
});

test.each([["25:00"], ["9"], ["13pm"], ["0am"], ["noon"], ["9:60"]])("%s is not a time of day", (word) => {
  expect(() => parseSchedule([word], "UTC")).toThrow("is not a valid time of day");
});

test("a word that is neither weekdays nor a time zone is named", () => {
  expect(() => parseSchedule(["9am", "Someday"], "UTC")).toThrow('"Someday" is not a valid list of weekdays');
});

test.each([
  [undefined, ""],
  ["CRON_TZ=Europe/Berlin 30 9 * * Mon-Fri", "9:30AM Mon-Fri (Europe/Berlin)"],
  ["CRON_TZ=UTC 0 0 * * *", "12:00AM daily (UTC)"],
  ["5 21 * * 1-5", "9:05PM Mon-Fri (UTC)"],
  ["*/5 * * * *", "*/5 * * * *"],
])("%s reads %s", (cron, text) => {
  expect(scheduleText(cron)).toBe(text);
});

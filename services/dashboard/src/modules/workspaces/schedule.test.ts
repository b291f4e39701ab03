import { describeSchedule, formatSchedule, parseSchedule } from "./schedule.js";

test.each([
  [
    "CRON_TZ=Europe/Berlin 30 9 * * 1-5",
    { hour: 9, minute: 30, days: [1, 2, 3, 4, 5], timeZone: "Europe/Berlin" },
  ],
  ["0 8 * * MON,WED,FRI", { hour: 8, minute: 0, days: [1, 3, 5], timeZone: "UTC" }],
  ["CRON_TZ=UTC 5 0 * * *", { hour: 0, minute: 5, days: [0, 1, 2, 3, 4, 5, 6], timeZone: "UTC" }],
  ["0 7 * * 6-7", { hour: 7, minute: 0, days: [0, 6], timeZone: "UTC" }],
  ["0 7 * * fri-mon", { hour: 7, minute: 0, days: [0, 1, 5, 6], timeZone: "UTC" }],
])("reads %s", (cron, schedule) => {
  expect(parseSchedule(cron)).toEqual(schedule);
  expect(parseSchedule(formatSchedule(schedule))).toEqual(schedule);
});

test("shows another form of schedule unchanged", () => {
  expect(parseSchedule("*/5 * * * *")).toBeUndefined();
  expect(describeSchedule("*/5 * * * *")).toBe("*/5 * * * *");
  expect(describeSchedule("CRON_TZ=Asia/Tokyo 5 9 * * 1,2")).toBe("09:05 on Mon, Tue (Asia/Tokyo)");
});

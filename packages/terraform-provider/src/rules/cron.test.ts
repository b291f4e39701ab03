import { hourlyScheduleFault, isFiveFieldSchedule, isTimeZone, scriptScheduleFault } from "./cron.js";

describe("the schedule of a script", () => {
  test.each([
    "0 0 22 * * *",
    "0 */5 * * * *",
    "0 30 9 * * 1-5",
    "0 0 0 1 JAN sun",
    "0 0 1/2 1 1 0",
    "0 0 1,2,3 ? * MON-FRI",
    "* * * * *",
    "@daily",
    "@every 1h30m",
    "TZ=Europe/Berlin 0 0 1 1 1 0",
    "CRON_TZ=UTC 0 0 1 1 1 0",
  ])("%j is valid", (line) => {
    expect(scriptScheduleFault(line)).toBeUndefined();
  });

  test.each([
    ["", "it is empty"],
    ["x", "it has 1 fields where 6 are expected"],
    ["60 * * * * *", 'its second "60" must be between 0 and 59'],
    ["0 0 1-0 1 1 0", 'its hour "1-0" starts after its end'],
    ["0 0 0 0 1 *", 'its day of month "0" must be between 1 and 31'],
    ["0 0 0 1 1 7", 'its day of week "7" must be between 0 and 6'],
    ["0 0 0 L * *", 'its day of month "L" is not a number'],
    ["*/0 * * * * *", 'its second "*/0" must step by a positive number'],
    ["1-2-3 * * * * *", 'more than one "-"'],
    ["1/2/3 * * * * *", 'more than one "/"'],
    ["TZ=Nope/Nope 0 0 1 1 1 0", '"Nope/Nope" is not a valid IANA time zone'],
    ["@reboot", '"@reboot" is not one of'],
    ["@every soon", '"soon" is not a valid duration'],
  ])("%j is invalid: %s", (line, fault) => {
    expect(scriptScheduleFault(line)).toContain(fault);
  });

  test("five and six fields are distinguished", () => {
    expect(isFiveFieldSchedule("* * * * *")).toBe(true);
    expect(isFiveFieldSchedule("0 * * * * *")).toBe(false);
    expect(isFiveFieldSchedule("@daily")).toBe(false);
  });
});

describe("the schedule of prebuilds", () => {
  test("must cover whole hours", () => {
    expect(hourlyScheduleFault("* 9-17 * * 1-5")).toBeUndefined();
    expect(hourlyScheduleFault("0 9-17 * * 1-5")).toContain('minute field must be "*"');
    expect(hourlyScheduleFault("* 25 * * *")).toContain("hour");
    expect(hourlyScheduleFault("* 1 * * * *")).toContain("6 fields");
  });
});

test.each([
  ["UTC", true],
  ["America/New_York", true],
  ["EST", true],
  ["Local", true],
  ["utc", false],
  ["+01:00", false],
  ["Nope", false],
])("%s is a time zone: %j", (name, expected) => {
  expect(isTimeZone(name)).toBe(expected);
});

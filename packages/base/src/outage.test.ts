import { nullLogger } from "./logger.js";
import { createOutage } from "./outage.js";

const URL_WITH_SECRETS = "rediss://user:s3cret@redis.example.com:6380/0?password=s3cret";

function start(url = URL_WITH_SECRETS) {
  const lines: { level: string; message: string }[] = [];
  const logger = {
    ...nullLogger,
    error: (message: string) => void lines.push({ level: "error", message }),
    info: (message: string) => void lines.push({ level: "info", message }),
  };
  const of = { what: "Redis", setting: "CODER_REDIS_URL", consequence: "Jobs wait.", logger };
  return { outage: createOutage({ ...of, url }), lines };
}

test("an outage is logged once, with the setting and the address but not the password", () => {
  const { outage, lines } = start();
  expect(outage.sentence).toBeUndefined();
  outage.failed(new Error("connect ECONNREFUSED 10.0.0.1:6380"));
  outage.failed(new Error("connect ECONNREFUSED 10.0.0.1:6380"));
  expect(outage.sentence).toBe(
    "Could not connect to Redis at rediss://redis.example.com:6380: connect ECONNREFUSED 10.0.0.1:6380. Jobs wait. Check CODER_REDIS_URL, and that Redis is running and accepts connections from this host.",
  );
  expect(lines).toEqual([{ level: "error", message: outage.sentence }]);
});

test("its end is logged, and so is the next outage", () => {
  const { outage, lines } = start();
  outage.recovered();
  outage.failed(new AggregateError([new Error("connect ETIMEDOUT ::1"), new Error("connect ETIMEDOUT")]));
  outage.failed(new Error("NOAUTH"));
  expect(outage.sentence).toContain("NOAUTH");
  outage.recovered();
  expect(outage.sentence).toBeUndefined();
  outage.failed("WRONGPASS");
  expect(lines.map(({ level }) => level)).toEqual(["error", "error", "info", "error"]);
  expect(lines[0]!.message).toContain("connect ETIMEDOUT ::1");
});

test("a setting that is not a URL is not logged", () => {
  const { outage } = start("s3cret");
  outage.failed(new Error("no"));
  expect(outage.sentence).not.toContain("s3cret");
});

import { completeTags, covers, queueNameOf } from "./tags.js";

const organization = (tags = {}) => completeTags(tags, "ana");

// The truth table of compatibility.md §5.4.
test.each([
  [{}, {}, true],
  [{ region: "eu" }, {}, false],
  [{}, { region: "eu" }, false],
  [{ region: "eu" }, { region: "eu" }, true],
  [{ region: "eu", gpu: "yes" }, { region: "eu" }, true],
  [{ region: "eu" }, { region: "eu", gpu: "yes" }, false],
  [{ region: "us" }, { region: "eu" }, false],
])("a daemon with %j and a job with %j: %s", (daemon, job, expected) => {
  expect(covers(organization(daemon), organization(job))).toBe(expected);
});

test("a user's jobs run on that user's daemons", () => {
  const mine = completeTags({ scope: "user" }, "ana");
  expect(mine).toEqual({ scope: "user", owner: "ana" });
  expect(covers(mine, mine)).toBe(true);
  expect(covers(completeTags({ scope: "user" }, "bob"), mine)).toBe(false);
  expect(covers(organization(), mine)).toBe(false);
});

test("a queue has one name, whatever the order of the tags", () => {
  const name = (tags: Record<string, string>, provisioner = "echo") =>
    queueNameOf({ organizationId: "acme", provisioner, tags });
  expect(name({ a: "1", b: "2" })).toBe(name({ b: "2", a: "1" }));
  expect(name({ a: "1" })).not.toBe(name({ a: "2" }));
  expect(name({ a: "1" })).not.toBe(name({ a: "1" }, "terraform"));
  expect(name({})).toMatch(/^provisioner-[0-9a-f]{16}$/);
});

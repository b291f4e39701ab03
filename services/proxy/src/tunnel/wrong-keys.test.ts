import { FleetError } from "@fleet/base";
import { createFakeClock } from "@fleet/testkit";
import { AGENT_ID, openStream, startFleet } from "../testing/fleet.js";
import { createWrongKeys } from "./wrong-keys.js";

const limits = { wrongKeysPerMinute: 3, wrongKeysWaiting: 2, wrongKeyAddresses: 2 };
const wrong = async () => {
  throw new FleetError("unauthenticated", "This token is nobody's.");
};
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "right",
    ({ code }: FleetError) => code,
  );

test("an address with too many wrong keys is limited for a minute; valid keys are accepted", async () => {
  const clock = createFakeClock();
  const keys = createWrongKeys(clock, limits);
  const codes: string[] = [];
  for (let i = 0; i < 5; i++) codes.push(await codeOf(keys.check("a", wrong)));
  expect(codes).toEqual([...Array(3).fill("unauthenticated"), "resource_exhausted", "resource_exhausted"]);
  expect(await codeOf(keys.check("a", async () => 1))).toBe("right");
  expect(await codeOf(keys.check("b", wrong))).toBe("unauthenticated");
  await clock.advance(60_000);
  expect(await codeOf(keys.check("a", wrong))).toBe("unauthenticated");
});

test("keys from a limited address are checked one at a time, with a bounded queue", async () => {
  const keys = createWrongKeys(createFakeClock(), limits);
  for (let i = 0; i < 3; i++) await codeOf(keys.check("a", wrong));
  let running = 0;
  let most = 0;
  const gate = Promise.withResolvers<void>();
  const slow = async () => {
    running += 1;
    most = Math.max(most, running);
    await gate.promise;
    running -= 1;
  };
  const checks = [1, 2, 3].map(() => codeOf(keys.check("a", slow)));
  expect(await checks[2]).toBe("resource_exhausted");
  gate.resolve();
  expect(await Promise.all(checks)).toEqual(["right", "right", "resource_exhausted"]);
  expect(most).toBe(1);
});

test("tunnels and streams are rate-limited, without blocking agents", async () => {
  await using fleet = await startFleet({ wrongKeys: createWrongKeys(createFakeClock(), limits) });
  const path = `/api/v2/workspaceagents/${AGENT_ID}/ssh`;
  for (let i = 0; i < 2; i++) await expect(fleet.connectAgent({ token: "wrong" })).rejects.toThrow("401");
  await expect(openStream(fleet.proxy.address, path, { "Coder-Session-Token": "wrong" })).rejects.toThrow(
    "401",
  );
  await expect(openStream(fleet.proxy.address, path, { "Coder-Session-Token": "wrong" })).rejects.toThrow(
    "429",
  );
  await expect(fleet.connectAgent({ token: "wrong" })).rejects.toThrow("429");
  await fleet.connectAgent();
});

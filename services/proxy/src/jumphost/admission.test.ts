import { createSshAdmission } from "./admission.js";

const limits = { sshPendingPerAddress: 2, sshPending: 3, sshLinksPerAddress: 1, sshClients: 5 };

function passOf(entered: ReturnType<ReturnType<typeof createSshAdmission>["enter"]>) {
  if ("refusal" in entered) throw new Error(entered.refusal);
  return entered.pass;
}

test("clients that have not signed in are limited by address and in total, others in total only", () => {
  const admission = createSshAdmission(limits);
  const first = passOf(admission.enter("a"));
  passOf(admission.enter("a"));
  expect(admission.enter("a")).toMatchObject({ refusal: expect.stringContaining("signing in") });
  first.signedIn();
  first.signedIn();
  const third = passOf(admission.enter("a"));
  passOf(admission.enter("b"));
  expect(admission.enter("c")).toMatchObject({ refusal: expect.stringContaining("signing in") });
  expect(admission.size).toBe(4);
  third.signedIn();
  passOf(admission.enter("c")).signedIn();
  expect(admission.enter("c")).toMatchObject({ refusal: expect.stringContaining("are connected") });
  first.leave();
  first.leave();
  passOf(admission.enter("c")).leave();
  expect(admission.size).toBe(4);
});

test("sign-ins by link are limited by address", () => {
  const pass = passOf(createSshAdmission(limits).enter("a"));
  const release = pass.waitForUser();
  expect(pass.waitForUser()).toBeUndefined();
  release?.();
  release?.();
  expect(pass.waitForUser()).toBeDefined();
});

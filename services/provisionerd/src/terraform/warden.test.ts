import { spawn } from "node:child_process";
import { waitFor } from "@fleet/testkit";
import { startWarden } from "./warden.js";

function startGroup(): number {
  return spawn("sh", ["-c", "sleep 600 & sleep 600"], { detached: true, stdio: "ignore" }).pid!;
}

function groupLives(group: number): boolean {
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

test("registered process groups are killed when the owner exits, others are not", async () => {
  const warden = startWarden();
  const [first, removed, last] = [startGroup(), startGroup(), startGroup()];
  for (const group of [first, removed, last]) warden.add(group);
  warden.remove(removed);
  warden.close();
  await waitFor(() => !groupLives(first) && !groupLives(last), { what: "the groups to die" });
  expect(groupLives(removed)).toBe(true);
  process.kill(-removed, "SIGKILL");
});

test("a killed warden is replaced and knows the same groups", async () => {
  const warden = startWarden();
  const group = startGroup();
  warden.add(group);
  const { pid } = warden;
  process.kill(pid, "SIGKILL");
  await waitFor(() => warden.pid !== pid, { what: "another shell" });
  expect(groupLives(group)).toBe(true);
  warden.close();
  await waitFor(() => !groupLives(group), { what: "the group to die" });
});

/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { TIME, user } from "../testing/samples.js";

const key = (public_key: string) => ({ user_id: user.id, created_at: TIME, updated_at: TIME, public_key });

test("the key is shown, and replaced only after confirmation", async () => {
  using deployment = openPage("/settings/ssh-keys", {
    gitSshKeyGet: key("ssh-ed25519 AAAA1"),
    gitSshKeyRegenerate: key("ssh-ed25519 AAAA2"),
  });
  await screen.findByText("ssh-ed25519 AAAA1");
  await press("Regenerate…");
  expect(deployment.writes).toEqual([]);
  await press("Regenerate key");
  await screen.findByText("ssh-ed25519 AAAA2");
});

/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import type { SeenRequest } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { TIME } from "../testing/samples.js";

const TEMPLATE = {
  id: "f517da0b-cdc9-410f-ab89-a86107c420ed",
  name: "Workspace Deleted",
  title_template: "",
  body_template: "",
  actions: "[]",
  group: "Workspace Events",
  method: "",
  kind: "system" as const,
  enabled_by_default: true,
};

test("a notification is turned off with the link of an email, and on again", async () => {
  const update = ({ body }: SeenRequest) =>
    Object.entries((body as { template_disabled_map: Record<string, boolean> }).template_disabled_map).map(
      ([id, disabled]) => ({ id, disabled, updated_at: TIME }),
    );
  using deployment = openPage(`/settings/notifications?disabled=${TEMPLATE.id}`, {
    notificationTemplatesSystem: [TEMPLATE],
    notificationPreferences: [],
    notificationPreferencesUpdate: update,
  });
  const toggle = await screen.findByRole("switch", { name: "Workspace Deleted" });
  expect(toggle.getAttribute("aria-checked")).toBe("true");
  // The link alone changes nothing: a mail program may open it by itself.
  expect(deployment.writes).toEqual([]);
  await press("Turn off");
  expect((await screen.findByRole("switch")).getAttribute("aria-checked")).toBe("false");
  expect(screen.queryByText(/^Turn off "/)).toBeNull();
  const off = await screen.findByRole("switch");
  await act(async () => void fireEvent.click(off));
  await screen.findByRole("switch", { checked: true });
});

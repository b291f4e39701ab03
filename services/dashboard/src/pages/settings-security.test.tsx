/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen, within } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { TIME } from "../testing/samples.js";

const session = {
  created_at: TIME,
  last_used: TIME,
  expires_at: TIME,
  ip_address: "192.0.2.1",
  login_type: "password" as const,
};
const answers = {
  authMethods: {
    password: { enabled: true },
    github: { enabled: false },
    oidc: { enabled: true, signInText: "", iconUrl: "" },
  },
  sessionList: [
    { ...session, id: "aaaaaaaaaa", current: true },
    { ...session, id: "bbbbbbbbbb", ip_address: "", current: false },
  ],
};

test("a wrong password is reported once, at the field, without its wire name", async () => {
  const detail = "This is not the current password.";
  using deployment = openPage("/settings/security", {
    ...answers,
    userPasswordUpdate: new ApiError(400, detail, [{ field: "old_password", detail }]),
  });
  await fill("Current password", "wrong");
  await fill("New password", "Correct-horse-1");
  await press("Change password");
  await screen.findByText(detail);
  expect(alerts()).toEqual([detail]);
  expect(document.body.textContent).not.toContain("old_password");
  expect(document.activeElement).toBe(screen.getByLabelText("Current password"));
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { old_password: "wrong", password: "Correct-horse-1" },
  ]);
});

test("only other sessions can be ended", async () => {
  using deployment = openPage("/settings/security", { ...answers, keyDelete: undefined });
  await screen.findByText("This session");
  await press("Sign out");
  await screen.findByText("Session ended.");
  expect(deployment.writes.map(({ path }) => path)).toEqual(["/api/v2/users/me/keys/bbbbbbbbbb"]);
});

test("a wrong password does not change the sign-in method", async () => {
  const detail = "This is not the current password.";
  using _ = openPage("/settings/security", {
    ...answers,
    convertLogin: new ApiError(400, detail, [{ field: "password", detail }]),
  });
  await press("Change to OpenID Connect…");
  const dialog = within(await screen.findByRole("dialog"));
  await act(async () => {
    fireEvent.input(dialog.getByLabelText("Current password"), { target: { value: "wrong" } });
  });
  await press("Continue");
  await screen.findByText(detail);
  expect(location.pathname).toBe("/settings/security");
});

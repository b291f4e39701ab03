/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { fireEvent, screen, waitFor } from "@testing-library/react";
import { openPage } from "../testing/page.js";

const HUB = {
  authenticated: false,
  device: false,
  display_name: "Hub",
  display_icon: "",
  supports_revocation: true,
  user: null,
  app_installable: false,
  installations: [],
  app_install_url: "",
};
const CODE = {
  device_code: "d",
  user_code: "ABCD-1234",
  verification_uri: "https://hub.test",
  expires_in: 900,
  interval: 1,
};

test("a user who is not signed in gets a link to the provider, and the reason of a failed attempt", async () => {
  using _deployment = openPage("/external-auth/hub?error=access_denied", { externalAuthGet: HUB });
  const link = await screen.findByRole("link", { name: "Sign in with Hub" });
  expect(link.getAttribute("href")).toBe("/external-auth/hub/callback?redirect=%2Fexternal-auth%2Fhub");
  expect(screen.getByRole("alert").textContent).toContain("access_denied");
});

test("a signed-in user sees the account, and signs out", async () => {
  const user = { id: 7, login: "dev", avatar_url: "", profile_url: "", name: "" };
  using deployment = openPage("/external-auth/hub", {
    externalAuthGet: { ...HUB, authenticated: true, user },
    externalAuthDelete: { token_revoked: true },
  });
  await screen.findByText("You are signed in as dev.");
  fireEvent.click(screen.getByRole("button", { name: "Sign out of Hub" }));
  await waitFor(() => expect(deployment.writes.map(({ route }) => route)).toEqual(["externalAuthDelete"]));
});

test("the device flow shows its code", async () => {
  using _deployment = openPage("/external-auth/hub", {
    externalAuthGet: { ...HUB, device: true },
    externalAuthDevice: CODE,
    externalAuthDeviceExchange: undefined,
  });
  await screen.findByText("ABCD-1234");
  expect(screen.getByRole("link", { name: "Open Hub" }).getAttribute("href")).toBe("https://hub.test");
});

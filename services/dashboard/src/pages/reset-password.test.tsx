/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { fireEvent, screen } from "@testing-library/react";
import { alerts, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";

const signedOut = {
  userGet: new ApiError(401, "Sign in."),
  authMethods: {
    password: { enabled: true },
    github: { enabled: false },
    oidc: { enabled: false, signInText: "", iconUrl: "" },
  },
};

test("a link is requested from the sign-in page, and the response does not say whether the user exists", async () => {
  using deployment = openPage("/login", { ...signedOut, passwordResetRequest: undefined });
  fireEvent.click(await screen.findByRole("link", { name: "Forgot password?" }));
  await screen.findByRole("heading", { name: "Reset your password" });
  await fill("Email", "ana@example.com");
  await press("Send link");
  await screen.findByRole("heading", { name: "Check your email" });
  await screen.findByText(/^If an account with the email address ana@example\.com/);
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ email: "ana@example.com" }]);
});

test("a deployment that cannot send email says so", async () => {
  using _ = openPage("/reset-password", {
    ...signedOut,
    passwordResetRequest: new ApiError(400, "This deployment cannot send email."),
  });
  await fill("Email", "ana@example.com");
  await press("Send link");
  expect(alerts()).toEqual(["This deployment cannot send email."]);
});

test("the link's passcode sets a new password, which is typed twice", async () => {
  using deployment = openPage("/reset-password/change?otp=abc123&email=ana%40example.com", {
    ...signedOut,
    passwordReset: new ApiError(400, "The link is not valid or has expired."),
  });
  await fill("New password", "AnotherPassword-1");
  await fill("Repeat the password", "AnotherPassword-2");
  await press("Set password");
  expect(alerts()).toEqual(["The passwords do not match."]);
  expect(deployment.writes).toEqual([]);
  await fill("Repeat the password", "AnotherPassword-1");
  await press("Set password");
  expect(alerts()).toEqual(["The link is not valid or has expired."]);
  deployment.answer({ passwordReset: undefined });
  await press("Set password");
  await screen.findByRole("heading", { name: "Your password was changed" });
  const sent = { email: "ana@example.com", password: "AnotherPassword-1", one_time_passcode: "abc123" };
  expect(deployment.writes.map(({ body }) => body)).toEqual([sent, sent]);
});

/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { alerts } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";

test("the code is shown, and a refusal of GitHub", async () => {
  using _deployment = openPage("/login/device?state=s&redirect=%2Ftemplates", {
    userGet: new ApiError(401, "Sign in."),
    githubDevice: {
      device_code: "d",
      user_code: "ABCD-1234",
      verification_uri: "https://github.com/login/device",
      expires_in: 900,
      interval: 5,
    },
    githubCallback: new ApiError(403, "GitHub refused the sign-in: access_denied"),
  });
  await screen.findByText("ABCD-1234");
  expect(screen.getByRole("link", { name: "Open GitHub" }).getAttribute("href")).toBe(
    "https://github.com/login/device",
  );
  await screen.findByRole("alert");
  expect(alerts()).toEqual(["GitHub refused the sign-in: access_denied"]);
});

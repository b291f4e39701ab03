/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";

test("a visit creates one token and shows it", async () => {
  using deployment = openPage("/cli-auth", { keyCreate: { key: "abc-secret" } });
  await screen.findByText("abc-secret");
  expect(deployment.writes.map(({ route }) => route)).toEqual(["keyCreate"]);
});

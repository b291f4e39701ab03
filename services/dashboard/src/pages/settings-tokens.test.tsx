/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen } from "@testing-library/react";
import { alerts, fill, press, pressLast } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";

const answers = {
  tokenList: [],
  tokenConfig: { max_token_lifetime: 365 * 86_400_000_000_000 },
  scopeList: { external: ["all", "workspace:read", "workspace:create"] },
};

test("a token can be limited to scopes", async () => {
  using deployment = openPage("/settings/tokens", { ...answers, tokenCreate: { key: "abc-secret" } });
  await press("Create token");
  await fill("Name", "nightly");
  await act(async () => {
    fireEvent.click(screen.getByLabelText(/Selected scopes/));
  });
  await act(async () => {
    fireEvent.click(await screen.findByLabelText("workspace:read"));
  });
  await pressLast("Create token");
  await screen.findByText("abc-secret");
  expect(deployment.writes[0]!.body).toMatchObject({ token_name: "nightly", scopes: ["workspace:read"] });
});

test("a duplicate name is reported once, at the field", async () => {
  const detail = 'A token named "nightly" already exists.';
  using _ = openPage("/settings/tokens", {
    ...answers,
    tokenCreate: new ApiError(409, detail, [{ field: "token_name", detail }]),
  });
  await press("Create token");
  await fill("Name", "nightly");
  await pressLast("Create token");
  await screen.findByText(detail);
  expect(alerts()).toEqual([detail]);
  expect(document.activeElement).toBe(screen.getByLabelText("Name"));
});

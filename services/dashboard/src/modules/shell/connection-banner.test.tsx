/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, screen } from "@testing-library/react";
import { pulse } from "../../api/client.js";
import { openPage } from "../../testing/page.js";
import { workspace } from "../../testing/samples.js";

test("a frozen server shows one banner over the existing content, and recovers", async () => {
  using deployment = openPage("/workspaces", { workspaceList: { workspaces: [workspace()], count: 1 } });
  await screen.findByRole("link", { name: "dev" });
  deployment.frozen = true;
  act(() => pulse.doubt());
  await screen.findByText(/The server is not responding/, {}, { timeout: 10_000 });
  screen.getByRole("link", { name: "dev" });
  expect(document.body.textContent!.match(/could not|not responding|Try again/g)).toHaveLength(1);
  deployment.frozen = false;
  deployment.answer({ workspaceList: { workspaces: [workspace({ name: "renamed" })], count: 1 } });
  await screen.findByRole("link", { name: "renamed" }, { timeout: 10_000 });
  expect(screen.queryByText(/The server is not responding/)).toBeNull();
}, 30_000);

test("a page that loses its server while loading shows an error instead of a skeleton", async () => {
  using deployment = openPage("/workspaces", { workspaceList: { workspaces: [workspace()], count: 1 } });
  await screen.findByRole("link", { name: "dev" });
  deployment.frozen = true;
  act(() => screen.getByRole("link", { name: "Templates" }).click());
  act(() => pulse.doubt());
  await screen.findByText(/It loads automatically when the server can be reached/, {}, { timeout: 10_000 });
  expect(document.body.textContent).not.toMatch(/\/api\//);
}, 30_000);

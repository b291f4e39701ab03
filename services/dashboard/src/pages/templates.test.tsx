/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { openPage } from "../testing/page.js";
import { template, uuid } from "../testing/samples.js";

test("deprecated templates are listed last, without a create button", async () => {
  using _ = openPage("/templates", {
    templateList: [
      template({ id: uuid(4), name: "old", display_name: "Old", deprecated: true, active_user_count: 9 }),
      template(),
    ],
  });
  await screen.findByText("Deprecated");
  const names = screen.getAllByRole("link").map((link) => link.textContent);
  expect(names.indexOf("Docker")).toBeLessThan(names.indexOf("Old"));
  expect(screen.getAllByRole("link", { name: /^Create/ })).toHaveLength(1);
});

test("without templates, it says how to add the first one", async () => {
  using _ = openPage("/templates", { templateList: [] });
  await screen.findByRole("link", { name: "Choose a starter template" });
});

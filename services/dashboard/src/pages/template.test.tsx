/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { choose, fill, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { template, uuid, version } from "../testing/samples.js";

const answers = {
  templateList: [template({ deprecated: true, deprecation_message: "Use [this](https://example.com/new)." })],
  templateVersionGet: version({ readme: "- [x] works" }),
};

test("the overview renders Markdown; a member sees no pages for authors", async () => {
  using _ = openPage("/templates/docker", {
    ...answers,
    authCheck: ({ body }) =>
      Object.fromEntries(Object.keys((body as { checks: object }).checks).map((name) => [name, false])),
  });
  expect((await screen.findByRole("link", { name: "this" })).getAttribute("href")).toBe(
    "https://example.com/new",
  );
  await screen.findByRole("checkbox", { name: "Done" });
  const tabs = await screen.findByRole("navigation", { name: "Template" });
  expect([...tabs.querySelectorAll("a")].map((link) => link.textContent)).toEqual(["Overview", "Versions"]);
});

test("a template is deleted once its name is typed; one with workspaces is kept, with the reason", async () => {
  const reason = "The template has 2 workspaces. Delete them first.";
  using deployment = openPage("/templates/docker", {
    ...answers,
    templateDelete: new ApiError(409, reason),
  });
  await choose("More actions", "Delete template…");
  const button = await screen.findByRole("button", { name: "Delete template" });
  expect(button.hasAttribute("disabled")).toBe(true);
  await fill(/Type/, "docker");
  await press("Delete template");
  await screen.findByText(reason);
  deployment.answer({ templateDelete: { message: "Deleted." }, templateList: [] });
  await press("Delete template");
  await screen.findByText("No templates yet");
  expect(deployment.writes.map(({ path }) => path)).toEqual([1, 2].map(() => `/api/v2/templates/${uuid(3)}`));
});

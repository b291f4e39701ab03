/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { press } from "../testing/act.js";
import { openPage } from "../testing/page.js";
import { template, uuid, version } from "../testing/samples.js";

test("version messages are rendered as Markdown; a version is activated after confirmation", async () => {
  const other = version({ id: uuid(32), name: "v2", message: "Adds **Go**." });
  using deployment = openPage("/templates/docker", {
    templateList: [
      template({ deprecated: true, deprecation_message: "Use [this](https://example.com/new)." }),
    ],
    templateVersionGet: version({ readme: "- [x] works" }),
    templateVersionList: [version(), other],
    templateVersionPromote: { message: "Promoted." },
  });
  expect((await screen.findByRole("link", { name: "this" })).getAttribute("href")).toBe(
    "https://example.com/new",
  );
  expect((await screen.findByText("Go")).tagName).toBe("STRONG");
  await screen.findByRole("checkbox", { name: "Done" });
  await press("Activate");
  expect(deployment.writes).toEqual([]);
  await press("Activate version");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ id: uuid(32) }]);
});

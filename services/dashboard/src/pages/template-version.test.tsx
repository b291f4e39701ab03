/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { screen } from "@testing-library/react";
import { strToU8, zipSync } from "fflate";
import { openPage } from "../testing/page.js";
import { job, template, uuid, version } from "../testing/samples.js";

const files: Record<string, string> = {
  [uuid(11)]: 'variable "cpus" {\n  default = 2\n}\n',
  [uuid(12)]: 'variable "cpus" {\n  default = 4\n}\n',
};

test("a version shows what changed since the one before it", async () => {
  using _ = openPage("/templates/docker/versions/v2", {
    templateList: [template()],
    templateVersionGetByName: version({ id: uuid(32), name: "v2", job: job({ file_id: uuid(12) }) }),
    templateVersionGet: version(),
    templateVersionPrevious: version(),
    fileDownload: ({ path }) => zipSync({ "main.tf": strToU8(files[path.split("/").at(-1)!]!) }),
  });
  const diff = await screen.findByRole("region", { name: "Changes of main.tf" });
  const lines = [...diff.querySelectorAll("code")].map((line) => line.textContent);
  expect(lines).toEqual(['  variable "cpus" {', "-   default = 2", "+   default = 4", "  }"]);
});

test("a failed import shows its error", async () => {
  using _ = openPage("/templates/docker/versions/v1", {
    templateList: [template()],
    templateVersionGetByName: version({
      job: job({ status: "failed", error: "main.tf:3: no such argument" }),
    }),
    templateVersionGet: version(),
    templateVersionPrevious: undefined,
    fileDownload: () => zipSync({ "main.tf": strToU8("") }),
  });
  await screen.findByText("main.tf:3: no such argument");
  expect(screen.queryByRole("link", { name: "Create workspace" })).toBeNull();
});

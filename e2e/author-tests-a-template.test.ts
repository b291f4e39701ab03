import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { startFleet } from "./harness/fleet.js";
import { succeed } from "./harness/workspace.js";

const TEMPLATE = resolve(import.meta.dirname, "../dist/templates/local");

test("an author plans every limit of a template's parameters, keeps the results, and sees what a change does to them", async () => {
  await using fleet = await startFleet();
  const folder = await mkdtemp(join(tmpdir(), "author-"));
  try {
    await cp(TEMPLATE, folder, { recursive: true });
    const run = (...args: string[]) => fleet.coder(["templates", "test", folder, ...args]);

    const first = await run("--update");
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("passed.\nWrote the results")]);
    expect(first.stdout).toContain("✓ defaults\n");
    const cases = (await succeed(fleet, ["templates", "test", folder, "--list"])).trim().split("\n");
    const goldens = await readdir(join(folder, "tests/goldens"));
    expect(goldens.length).toBe(cases.length);
    expect(cases.length).toBeGreaterThan(2);
    const kept = await readFile(join(folder, "tests/goldens/defaults.json"), "utf8");
    expect(JSON.parse(kept)).toContainEqual(
      expect.objectContaining({ agents: [expect.objectContaining({ name: "main", os: "linux" })] }),
    );
    expect((await run()).code).toBe(0);

    const main = await readFile(join(folder, "main.tf"), "utf8");
    await writeFile(
      join(folder, "main.tf"),
      `${main}\nresource "coder_script" "extra" {\n  agent_id = coder_agent.main.id\n  display_name = "Extra"\n  script = "true"\n  run_on_start = true\n}\n`,
    );
    const changed = await run("--case", "defaults");
    expect(changed.code).toBe(1);
    expect(changed.stdout).toMatch(/≠ defaults\n(.*\n)*.*\+ +"Extra"/);
    expect(changed.stderr).toContain("1 changed.");

    await writeFile(
      join(folder, "main.tf"),
      `${main}\nresource "terraform_data" "strict" {\n  lifecycle {\n    precondition {\n      condition     = data.coder_parameter.port.value != "1024"\n      error_message = "No such port."\n    }\n  }\n}\n`,
    );
    const failed = await run("-o", "json");
    const results = JSON.parse(failed.stdout) as { case: string; status: string; detail: string }[];
    expect(results.find(({ case: name }) => name === "port=1024")).toMatchObject({
      status: "failed",
      detail: expect.stringMatching(/main\.tf:\d+.*No such port\./),
    });
    expect(results.filter(({ status }) => status === "failed").length).toBe(1);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

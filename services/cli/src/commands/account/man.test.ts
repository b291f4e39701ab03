import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { createTestCli } from "../../testing/run.js";

const run = promisify(execFile);

test("the manual page has every command, with text that roff does not take for commands", async () => {
  await using cli = await createTestCli();
  const { status, stdout } = await cli.run(["man"]);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\.TH CODER 1 /);
  for (const part of [".SS coder templates versions promote", "\\-\\-hostname\\-suffix", "[CODER_URL]"])
    expect(stdout).toContain(part);
  const requests = new Set([...stdout.matchAll(/^[.'](\S*)/gm)].map(([, name]) => name));
  expect([...requests].sort()).toEqual(["B", "I", "SH", "SS", "TH", "TP"]);
  // Where there is a formatter, it finds nothing to warn of.
  if (!existsSync("/usr/bin/groff")) return;
  const file = join(cli.folder, "coder.1");
  await writeFile(file, stdout);
  const { stderr } = await run("groff", ["-man", "-Tutf8", "-ww", "-z", file]);
  expect(stderr).toBe("");
});

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { filesBelow, startersOf, writeStarter } from "./starters.js";

const TEMPLATES = join(import.meta.dirname, "../../../../../templates");

test("a starter template is listed and written unchanged", async () => {
  const starters = startersOf(await filesBelow(TEMPLATES));
  const local = starters.find(({ id }) => id === "local")!;
  expect(local.name).not.toBe("local");
  expect([...local.files.keys()]).toContain("sample/server.mjs");

  const folder = await mkdtemp(join(tmpdir(), "coder-starter-"));
  try {
    await writeStarter(local, folder);
    for (const file of ["main.tf", "sample/server.mjs"]) {
      expect(await readFile(join(folder, file))).toEqual(await readFile(join(TEMPLATES, "local", file)));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differences, GOLDEN_FOLDER, readGolden, writeGolden } from "./golden.js";

test("a golden is found again by its case, whatever the case is called", async () => {
  const folder = await mkdtemp(join(tmpdir(), "goldens-"));
  try {
    const names = [
      "defaults",
      "preset Small",
      "zone=eu/../../west",
      'ides=["a","b"]',
      `note=${"x".repeat(5_000)}`,
    ];
    for (const name of names) await writeGolden(folder, name, name);
    for (const name of names) expect(await readGolden(folder, name)).toBe(name);
    expect(await readGolden(folder, "zone=us")).toBeUndefined();
    expect((await readdir(join(folder, GOLDEN_FOLDER))).length).toBe(names.length);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("differences are the changed lines and what stands around them", async () => {
  expect(await differences("a\nb\nc\n", "a\nb\nc\n")).toEqual([]);
  expect(await differences("a\nb\nc\n", "a\nx\nc\n")).toEqual([" a", "-b", "+x", " c"]);
});

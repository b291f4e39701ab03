import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readValuesFile } from "./values-file.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "coder-values-"));
});
afterEach(() => rm(folder, { recursive: true }));

async function read(text: string) {
  const path = join(folder, "values.yaml");
  await writeFile(path, text);
  return readValuesFile(path, "variables file");
}

test("values are strings, and a list is JSON", async () => {
  expect(Object.fromEntries(await read("cores: 4\nzones: [a, b]\non: true\n"))).toEqual({
    cores: "4",
    zones: '["a","b"]',
    on: "true",
  });
  expect((await read("")).size).toBe(0);
  expect(Object.fromEntries(await read("version: 1.10\nid: 007\nnone:\nyes: 'no'\n"))).toEqual({
    version: "1.10",
    id: "007",
    none: "",
    yes: "no",
  });
});

test("an invalid file is reported in one sentence", async () => {
  await expect(readValuesFile(join(folder, "none"), "variables file")).rejects.toThrow(
    /none cannot be read\.$/,
  );
  await expect(read("- a\n")).rejects.toThrow(/is not a YAML map of names to values\.$/);
  await expect(read("a: b: c\n")).rejects.toThrow(/is not YAML: .* at line 1, column \d+\.$/);
});

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

// The rule: a factory's interface is declared as a type, not inferred from its body.

const ROOT = resolve(import.meta.dirname, "../..");
const INFERRED = /^(?:export )?type \w+(?:<.*>)? = ReturnType<typeof create\w+/m;

function inferredIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter(
      (file) => /\.tsx?$/.test(file) && !/\.test\.tsx?$|(^|\/)(gen|node_modules|\.types|dist)\//.test(file),
    )
    .filter((file) => INFERRED.test(readFileSync(join(ROOT, folder, file), "utf8")))
    .map((file) => join(folder, file));
}

test("the interface of a factory is an explicit type", () => {
  expect([...inferredIn("services"), ...inferredIn("packages")]).toEqual([]);
});

test("an inferred interface is found", () => {
  expect(INFERRED.test("export type Users = ReturnType<typeof createUsers>;")).toBe(true);
});

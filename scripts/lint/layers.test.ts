import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");
const bin = (name: string) => join(ROOT, "node_modules/.bin", name);

/** A small repository with the real rules, to which a test can add files. */
function createHouse(files: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), "layers-"));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  for (const file of [".dependency-cruiser.cjs", "tsconfig.base.json", "package.json"])
    cpSync(join(ROOT, file), join(dir, file));
  cpSync(join(ROOT, "scripts/lint/circles.mjs"), join(dir, "circles.mjs"));
  symlinkSync(join(ROOT, "node_modules"), join(dir, "node_modules"));
  for (const unit of ["packages/base", "services/proxy", "services/coderd"]) {
    mkdirSync(join(dir, unit), { recursive: true });
    cpSync(join(ROOT, unit, "package.json"), join(dir, unit, "package.json"));
    const references = unit === "packages/base" ? [] : [{ path: "../../packages/base" }];
    const compilerOptions = { rootDir: "src", outDir: ".types", types: [] };
    write(
      `${unit}/tsconfig.json`,
      JSON.stringify({ extends: "../../tsconfig.base.json", compilerOptions, include: ["src"], references }),
    );
  }
  mkdirSync(join(dir, "services/proxy/node_modules/@fleet"), { recursive: true });
  symlinkSync(join(dir, "packages/base"), join(dir, "services/proxy/node_modules/@fleet/base"));
  symlinkSync(join(ROOT, "services/coderd/node_modules"), join(dir, "services/coderd/node_modules"));
  write("packages/base/src/index.ts", "export const base = 1;\n");
  write("services/coderd/src/coderd.ts", "export const coderd = 1;\n");
  for (const [path, text] of Object.entries(files)) write(path, text);
  const run = (command: string, args: string[]) => {
    const { status, stdout, stderr } = spawnSync(bin(command), args, { cwd: dir, encoding: "utf8" });
    return { status, output: stdout + stderr };
  };
  return {
    dir,
    layers: () => run("depcruise", ["--config", ".dependency-cruiser.cjs", "packages", "services"]),
    circles: () => run("node", ["circles.mjs"]),
    types: (unit: string) => run("tsc", ["-b", unit]),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

test("a valid tree passes", () => {
  using house = createHouse({
    "services/proxy/src/proxy.ts": 'import { base } from "@fleet/base";\nexport const proxy = base;\n',
  });
  expect(house.layers()).toMatchObject({ status: 0 });
});

test.each([
  [
    "a service that imports another service",
    "services/proxy/src/a.ts",
    'export * from "../../coderd/src/coderd.js";\n',
    "not-in-allowed",
  ],
  [
    "a package that imports a service",
    "packages/base/src/a.ts",
    'export * from "../../../services/coderd/src/coderd.js";\n',
    "not-in-allowed",
  ],
  [
    "a file that belongs to no row",
    "services/unlisted/src/a.ts",
    'export * from "../../../packages/base/src/index.js";\n',
    "not-in-allowed",
  ],
  [
    "Postgres outside of coderd",
    "services/proxy/src/a.ts",
    'import "../../coderd/node_modules/pg/lib/index.js";\n',
    "postgres-belongs-to-coderd",
  ],
  [
    "Redis outside of coderd and the queue source",
    "services/proxy/src/a.ts",
    'import "../../coderd/node_modules/ioredis/built/index.js";\n',
    "redis-belongs",
  ],
  [
    "domain code that knows HTTP",
    "services/coderd/src/users/a.ts",
    'export * from "../http/b.js";\n',
    "not-in-allowed",
  ],
  [
    "a service of coderd that knows the database",
    "services/coderd/src/users/service.ts",
    'import type { Database } from "../database/client.js";\nexport type A = Database;\n',
    "prisma-stays-in-stores",
  ],
  [
    "a noun of coderd that knows one above it",
    "services/coderd/src/users/a.ts",
    'export * from "../workspaces/b.js";\n',
    "not-in-allowed",
  ],
  [
    "a noun of coderd that has no row",
    "services/coderd/src/unlisted/a.ts",
    'export * from "../users/b.js";\n',
    "not-in-allowed",
  ],
])("%s is rejected by the layer table", (_what, path, text, rule) => {
  const targets = ["http", "users", "workspaces"].map((folder) => [
    `services/coderd/src/${folder}/b.ts`,
    "export const b = 1;\n",
  ]);
  using house = createHouse({
    [path]: text,
    "services/coderd/src/database/client.ts": "export type Database = 1;\n",
    ...Object.fromEntries(targets),
  });
  const { status, output } = house.layers();
  expect(output).toContain(rule);
  expect(status).not.toBe(0);
});

test("the layer table cannot contain a cycle of nouns", () => {
  using house = createHouse({});
  const path = join(house.dir, ".dependency-cruiser.cjs");
  const row = '["apikeys", ["auth", "roles"]]';
  const table = readFileSync(path, "utf8");
  expect(table).toContain(row);
  writeFileSync(path, table.replace(row, '["apikeys", ["auth", "roles", "users"]]'));
  expect(house.layers().output).toContain('"apikeys" may not know "users"');
});

test("an import cycle is rejected", () => {
  using house = createHouse({
    "services/proxy/src/a.ts": 'export { b } from "./b.js";\nexport const a = 1;\n',
    "services/proxy/src/b.ts": 'export { a } from "./a.js";\nexport const b = 1;\n',
  });
  expect(house.layers().output).toContain("no-cycle");
});

test("a cycle of folders is rejected, even without a cycle of files", () => {
  using house = createHouse({
    "services/proxy/src/apps/a.ts": 'export * from "../relay/b.js";\n',
    "services/proxy/src/apps/c.ts": "export const c = 1;\n",
    "services/proxy/src/relay/b.ts": "export const b = 1;\n",
    "services/proxy/src/relay/d.ts": 'export * from "../apps/c.js";\n',
  });
  const { status, output } = house.circles();
  expect(output).toContain("services/proxy/src: ");
  expect(output).toContain("services/proxy/src/relay/d.ts → services/proxy/src/apps/c.ts");
  expect(status).toBe(1);
});

test("one-way dependencies between folders pass", () => {
  using house = createHouse({
    "services/proxy/src/apps/a.ts": 'export * from "../relay/b.js";\n',
    "services/proxy/src/relay/b.ts": "export const b = 1;\n",
  });
  expect(house.circles()).toEqual({ status: 0, output: "" });
});

test("a file inside another package is rejected by its exports", () => {
  using house = createHouse({
    "services/proxy/src/a.ts": 'import "@fleet/base/src/clock.js";\nexport {};\n',
  });
  expect(house.types("services/proxy").output).toMatch(/TS2307|TS2882|Cannot find module/);
});

test("another unit's files are rejected by the compiler's project", () => {
  using house = createHouse({ "services/proxy/src/a.ts": 'export * from "../../coderd/src/coderd.js";\n' });
  expect(house.types("services/proxy").output).toMatch(/rootDir/);
});

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

// The rule: whatever is stored or measured is used by code. Tables are written, columns are named, metrics change.

const ROOT = resolve(import.meta.dirname, "../..");

function filesBelow(folder: string, wanted: RegExp): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter(
      (file) => wanted.test(file) && !/\.test\.ts$|(^|\/)(testing|gen|node_modules|\.types)\//.test(file),
    )
    .map((file) => readFileSync(join(ROOT, folder, file), "utf8"));
}

type Table = {
  model: string;
  table: string;
  /** The names of a table's relation fields in other models. */
  relations: string[];
  columns: { field: string; column: string }[];
};

/** The tables of a Prisma schema. Relations are not columns. */
function tablesOf(schema: string): Table[] {
  const names = [...schema.matchAll(/^(?:model|enum) (\w+)/gm)].map(([, name]) => name!);
  const models = names.filter((name) => schema.includes(`model ${name} {`));
  return [...schema.matchAll(/^model (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, model, body]) => ({
    model: model!,
    relations: [...schema.matchAll(new RegExp(`^ {2}(\\w+)\\s+${model}(?:\\[\\]|\\?)`, "gm"))].map(
      ([, name]) => name!,
    ),
    table: /@@map\("(\w+)"\)/.exec(body!)?.[1] ?? model!,
    columns: [...body!.matchAll(/^ {2}(\w+)\s+(\w+)([^\n]*)$/gm)]
      .filter(([, , type]) => !models.includes(type!))
      .map(([, field, , rest]) => ({ field: field!, column: /@map\("(\w+)"\)/.exec(rest!)?.[1] ?? field! })),
  }));
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

/** By a call, by SQL, or as a nested write with its parent row. */
function isWritten({ model, table, relations }: Table, code: string): boolean {
  const nested = relations.map((name) => `\\b${name}: \\{ (create|upsert|connectOrCreate)`);
  if (nested.some((pattern) => new RegExp(pattern).test(code))) return true;
  return new RegExp(
    `\\.${lowerFirst(model)}\\.(create|createMany|createManyAndReturn|upsert|update|updateMany)\\b|(INSERT INTO|UPDATE) "?${table}\\b`,
  ).test(code);
}

/** Tables that nothing writes, and columns that nothing names. */
function unusedTables(schema: string, code: string): string[] {
  return tablesOf(schema).flatMap((table) => {
    if (!isWritten(table, code)) return [`${table.table} has no writer`];
    return table.columns
      .filter(({ field, column }) => !new RegExp(`\\b(${field}|${column})\\b`).test(code))
      .map(({ column }) => `${table.table}.${column} is not named`);
  });
}

/** Metrics that are declared but never changed. */
function unmovedMetrics(code: string): string[] {
  const declared = code.matchAll(
    /(?:(?:this\.|const |readonly )(#?\w+)(?:: \w+)? = )?new (?:Counter|Gauge|Histogram)\(\{\s*name: ([^,]+),([\s\S]*?)\}\)/g,
  );
  return [...declared]
    .filter(([, variable, , rest]) => {
      if (/\bcollect\b/.test(rest!)) return false;
      return (
        !variable ||
        !new RegExp(
          `${variable}\\s*(\\.labels\\([^)]*\\))?\\.(inc|dec|set|observe|startTimer|labels)\\b`,
        ).test(code)
      );
    })
    .map(([, , name]) => name!);
}

test("every table has a writer, and every column is used by code", () => {
  const schema = filesBelow("services/coderd/prisma/schema", /\.prisma$/).join("\n");
  expect(tablesOf(schema).length).toBeGreaterThan(20);
  const code = filesBelow("services/coderd/src", /\.ts$/);
  // The bodies of triggers.
  const migrations = filesBelow("services/coderd/prisma/migrations", /\.sql$/);
  const triggers = migrations.flatMap((sql) => sql.match(/\$\$[\s\S]*?\$\$/g) ?? []);
  expect(unusedTables(schema, [...code, ...triggers].join("\n"))).toEqual([]);
});

test.each([
  "services/coderd/src",
  "services/proxy/src",
  "services/provisionerd/src",
  "packages/telemetry/src",
])("every metric of %s is updated by code", (folder) => {
  const unmoved = filesBelow(folder, /\.ts$/).flatMap(unmovedMetrics);
  expect(unmoved).toEqual([]);
});

test("planted violations are found", () => {
  const schema = 'model Thing {\n  id String @id\n  unused Int @map("un_used")\n\n  @@map("things")\n}\n';
  expect(unusedTables(schema, "db.thing.findMany({ where: { id } })")).toEqual(["things has no writer"]);
  expect(unusedTables(schema, "INSERT INTO things (id) VALUES (1)")).toEqual(["things.un_used is not named"]);
  const metric = 'const runs = new Counter({ name: "runs_total", help: "Runs.", registers: [registry] });';
  expect(unmovedMetrics(metric)).toEqual(['"runs_total"']);
  expect(unmovedMetrics(`${metric}\nruns.inc();`)).toEqual([]);
});

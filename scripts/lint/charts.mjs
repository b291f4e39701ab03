// Lints the charts: `node scripts/lint/charts.mjs [--update]`. For each installable chart in charts/, and each of its
// tests/NAME.yaml: runs `helm lint` and compares the output with tests/testdata/NAME.golden (--update writes it);
// fails_NAME.yaml must fail with the message of its first line, `# expect: …`. Every value must have a description.
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { findKubeTool } from "../setup/kube-tool.mjs";

const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const CHARTS = join(ROOT, "charts");
const AT_ONCE = 4;
const update = process.argv.includes("--update");
const run = promisify(execFile);

const helm = await findKubeTool("helm");
const failures = [];
const names = await readdir(CHARTS);
const charts = names.filter((name) => existsSync(join(CHARTS, name, "values.yaml")));
const cases = (await Promise.all(charts.map(casesOf))).flat();
const count = cases.length;
const started = performance.now();
for (const chart of charts) checkDescriptions(chart);
await Promise.all(Array.from({ length: AT_ONCE }, work));
if (failures.length > 0) {
  console.error(failures.join("\n\n"));
  process.exit(1);
}
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`charts: ${charts.join(", ")}: ${count} cases in ${seconds} s`);

async function casesOf(chart) {
  const files = (await readdir(join(CHARTS, chart, "tests"))).filter((file) => file.endsWith(".yaml"));
  return files.sort().map((file) => ({ chart, name: file.replace(/\.yaml$/, "") }));
}

async function work() {
  for (let next = cases.shift(); next; next = cases.shift()) {
    if (next.name.startsWith("fails_")) await expectRefusal(next);
    else await expectGolden(next);
  }
}

async function expectRefusal({ chart, name }) {
  const [, sentence] = /^# expect: (.+)\n/.exec(await readFile(valuesOf(chart, name), "utf8")) ?? [];
  const { ok, output } = await render(chart, name);
  if (!sentence) fail(chart, name, "The first line must be `# expect: …`.");
  else if (ok) fail(chart, name, "Expected rendering to fail, but it succeeded.");
  else if (!output.includes(sentence)) fail(chart, name, `Expected the error "${sentence}", got:\n${output}`);
}

async function expectGolden({ chart, name }) {
  const lint = await call(["lint", "--quiet", join(CHARTS, chart), "--values", valuesOf(chart, name)]);
  if (!lint.ok) return fail(chart, name, lint.output);
  const { ok, output } = await render(chart, name);
  if (!ok) return fail(chart, name, output);
  const golden = join(CHARTS, chart, "tests/testdata", `${name}.golden`);
  const text = output.replace(/^( {2}(?:psk|token|\w+-password|\w+-url): ).*$/gm, "$1made-at-random");
  if (update) {
    await mkdir(dirname(golden), { recursive: true });
    return writeFile(golden, text);
  }
  const expected = await readFile(golden, "utf8").catch(() => "");
  if (text !== expected) fail(chart, name, firstDifference(expected, text));
}

function firstDifference(expected, actual) {
  const [was, is] = [expected.split("\n"), actual.split("\n")];
  const line = is.findIndex((text, index) => text !== was[index]);
  const at = line < 0 ? is.length : line;
  return `Line ${at + 1} is not as in the golden file:\n- ${was[at] ?? "(end)"}\n+ ${is[at] ?? "(end)"}\nIf it should be so: node scripts/lint/charts.mjs --update`;
}

function render(chart, name) {
  return call([
    "template",
    "coder",
    join(CHARTS, chart),
    ...["--namespace", "coder", "--values", valuesOf(chart, name)],
    ...["--api-versions", "monitoring.coreos.com/v1"],
  ]);
}

function valuesOf(chart, name) {
  return join(CHARTS, chart, "tests", `${name}.yaml`);
}

/** Each key of values.yaml is in the schema, with a description; where the schema lists keys, it lists all of them. */
function checkDescriptions(chart) {
  const schema = JSON.parse(readFileSync(join(CHARTS, chart, "values.schema.json"), "utf8"));
  const propertiesOf = (node) => ({
    ...(node.$ref ? propertiesOf(schema.$defs[node.$ref.replace("#/$defs/", "")]) : {}),
    ...node.properties,
  });
  const visit = (value, node, path) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return;
    const properties = propertiesOf(node);
    const listed = node.propertyNames?.enum;
    if (listed && listed.join() !== Object.keys(properties).sort().join())
      fail(chart, "values.schema.json", `${path}: propertyNames does not match its properties.`);
    // A map with user-defined keys: labels, resources, a security context.
    if (Object.keys(properties).length === 0) return;
    for (const [key, below] of Object.entries(value)) {
      const described = properties[key]?.description;
      if (described) visit(below, properties[key], `${path}${key}.`);
      else fail(chart, "values.schema.json", `${path}${key} has no description.`);
    }
  };
  visit(parse(readFileSync(join(CHARTS, chart, "values.yaml"), "utf8")), schema, "");
}

function fail(chart, name, reason) {
  failures.push(`charts/${chart}: ${name}: ${reason.trim()}`);
}

async function call(args) {
  try {
    const { stdout } = await run(helm, args, { maxBuffer: 16 << 20 });
    return { ok: true, output: stdout };
  } catch (error) {
    return { ok: false, output: `${error.stdout ?? ""}${error.stderr ?? error.message}` };
  }
}

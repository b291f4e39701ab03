import { FleetError, inParallel } from "@fleet/base";
import type { PolicyResult, TemplateVersion } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { isPair, listOf, parsePairs } from "../../ui/list-option.js";
import { printJson, withTextOutput } from "../../ui/output.js";
import { isOver } from "../../workspace/build.js";
import { policyLines } from "../../workspace/plan.js";
import { poll } from "../../workspace/poll.js";
import { parseTags } from "../provisioners/tags.js";
import { importVersion } from "./import-version.js";
import { givenVariables, readSource } from "./source.js";
import { type Case, casesOf } from "./test/cases.js";
import { differences, GOLDEN_FOLDER, goldenOf, readGolden, writeGolden } from "./test/golden.js";

type Options = {
  output: "text" | "json";
  variable?: string[];
  variablesFile?: string;
  parameter?: string[];
  provisionerTag?: string[];
  case?: string[];
  update?: boolean;
  list?: boolean;
  realProviders?: boolean;
  org?: string;
};

/** `new` is a case without a golden: it was planned, and nothing was compared. */
type Result = {
  case: string;
  values: Case["values"];
  status: "passed" | "changed" | "new" | "failed";
  detail: string;
  /** Policies that would not let a build of it pass. */
  denied: PolicyResult[];
  warned: PolicyResult[];
};

/** Plans at a time: enough for several provisioners, and few enough to leave them to others. */
const CONCURRENCY = 4;

export function templateTestCommand(context: Context): Command {
  return withTextOutput(
    new Command("test")
      .description("Plan a template with its presets and the limits of its parameters")
      .argument("[directory]", "Directory of the template", ".")
      .option("--update", `Write the results to ${GOLDEN_FOLDER}, to which later runs are compared`)
      .option("--list", "List the test cases and exit")
      .option("--case <name>", "Only run this test case (repeatable)", listOf())
      .option(
        "--parameter <name=value>",
        "Value of a parameter without a default (repeatable)",
        listOf(isPair),
      )
      .option("--variable <name=value>", "Set a Terraform variable (repeatable)", listOf(isPair))
      .option("--variables-file <file>", "YAML file of Terraform variables")
      .option(
        "--provisioner-tag <key=value>",
        "Tag that the provisioner must have (repeatable)",
        listOf(isPair),
      )
      .option("--real-providers", "Plan with the real providers instead of mocks; they may need credentials")
      .option("-O, --org <organization>", "Organization name or ID"),
  )
    .addHelpText(
      "after",
      `
Each case is planned on a provisioner, without creating anything: the defaults, each preset, and each limit of each
parameter. In these plans, providers other than coder are mocked and not called. The template is first imported as a
version that belongs to no template. Policies of the deployment and the organization judge each case.`,
    )
    .action((directory: string, options: Options) => test(context, directory, options));
}

async function test(context: Context, directory: string, options: Options): Promise<void> {
  const variables = await givenVariables(options);
  const source = await readSource(context, { directory, ignoreLockfile: true });
  const { client } = await context.session();
  const organization = await context.organization(options.org);
  const { hash } = await client.fileUpload({ body: source.archive, contentType: source.contentType });
  const version = await importVersion(
    context,
    { testProvisioner: "terraform" },
    {
      organization,
      template: undefined,
      fileId: hash,
      tags: parseTags(options.provisionerTag ?? []),
      values: new Map([...source.values, ...variables]),
    },
  );
  const cases = chosen(await allCases(context, version, options), options.case);
  if (options.list) {
    for (const { name } of cases) context.print(name);
    return;
  }
  const results: Result[] = new Array(cases.length);
  await inParallel(cases.entries(), CONCURRENCY, async ([at, one]) => {
    results[at] = await run(context, version, directory, one, options);
    if (options.output === "text") show(context, results[at]);
  });
  if (options.output === "json") printJson(context, results);
  summarize(context, results, options);
}

async function allCases(context: Context, { id }: TemplateVersion, options: Options): Promise<Case[]> {
  const { client } = await context.session();
  const params = { version: id };
  const given = parsePairs(options.parameter ?? [], "parameter");
  const { cases, undecided } = casesOf(
    await client.templateVersionRichParameters({ params }),
    await client.templateVersionPresets({ params }),
    given,
  );
  if (undecided.length === 0) return cases;
  const flags = undecided.map((name) => `--parameter ${name}=<value>`).join(" ");
  throw new FleetError("invalid_argument", `These parameters have no default. Set them with: ${flags}`);
}

function chosen(cases: Case[], names: readonly string[] | undefined): Case[] {
  if (!names) return cases;
  for (const name of names) {
    if (cases.some((one) => one.name === name)) continue;
    const known = cases.map((one) => `"${one.name}"`).join(", ");
    throw new FleetError("invalid_argument", `"${name}" is not a test case. Valid values: ${known}.`);
  }
  return cases.filter(({ name }) => names.includes(name));
}

/** Plans one case, and compares the result to its golden. */
async function run(
  context: Context,
  { id }: TemplateVersion,
  directory: string,
  { name, values }: Case,
  options: Options,
): Promise<Result> {
  const { client } = await context.session();
  const started = await client.dryRunCreate({
    params: { version: id },
    body: {
      workspace_name: "test",
      rich_parameter_values: values,
      mock_providers: !options.realProviders,
    },
  });
  const params = { version: id, job: started.id };
  const job = await poll(context, {
    get: () => client.dryRunGet({ params }),
    isFinal: isOver,
    cancel: () => client.dryRunCancel({ params }),
  });
  const policies = job.status === "succeeded" ? await client.dryRunPolicies({ params }) : [];
  const found = (mode: string) =>
    policies.filter((policy) => policy.mode === mode && policy.outcome !== "passed");
  const result = { case: name, values, denied: found("deny"), warned: found("warn") };
  if (job.status !== "succeeded") return { ...result, status: "failed", detail: job.error ?? job.status };
  const golden = goldenOf(await client.dryRunResources({ params }));
  const expected = await readGolden(directory, name);
  if (options.update) {
    await writeGolden(directory, name, golden);
    return { ...result, status: "passed", detail: "" };
  }
  if (expected === undefined) return { ...result, status: "new", detail: "" };
  const lines = await differences(expected, golden);
  return { ...result, status: lines.length === 0 ? "passed" : "changed", detail: lines.join("\n") };
}

function show(context: Context, { case: name, status, detail, denied, warned }: Result): void {
  const { green, red, yellow, dim } = context.colors;
  const marks = { passed: green("✓"), new: dim("•"), changed: yellow("≠"), failed: red("✗") };
  context.print(`${marks[status]} ${name}${status === "new" ? dim(" (no golden)") : ""}`);
  for (const line of detail === "" ? [] : detail.split("\n")) {
    const color = line.startsWith("+") ? green : line.startsWith("-") ? red : dim;
    context.print(`    ${status === "changed" ? color(line) : line}`);
  }
  for (const line of policyLines(context, [...denied, ...warned])) context.print(`  ${line}`);
}

function summarize(context: Context, results: readonly Result[], { update }: Options): void {
  const count = (status: Result["status"]) => results.filter((result) => result.status === status).length;
  const denied = results.filter((result) => result.denied.length > 0).length;
  const [failed, changed, fresh] = [count("failed"), count("changed"), count("new")];
  const parts = [
    `${count("passed")} passed`,
    ...(changed > 0 ? [`${changed} changed`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(fresh > 0 ? [`${fresh} without a golden`] : []),
    ...(denied > 0 ? [`${denied} denied by policies`] : []),
  ];
  context.note(`${parts.join(", ")}.`);
  if (update) context.note(`Wrote the results to ${GOLDEN_FOLDER}. Commit them with the template.`);
  else if (changed + fresh > 0) context.note("Accept the results with: coder templates test --update");
  if (failed + changed + denied > 0) throw new ExitStatus(1);
}

import { FleetError, isFleetError } from "@fleet/base";
import type { CreatePolicyRequest, Policy, PolicyTest, PolicyVersion } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { type OutputOptions, printJson, printList, withListOutput, withTextOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";
import { ago } from "../../ui/time.js";
import { findTemplate } from "../templates/find.js";
import { readPolicies } from "./file.js";

type ScopeOptions = { org?: string; template?: string };

/** Where policies belong: with neither, to the deployment. */
type Scope = { organizationId?: string; templateId?: string };

const columnsOf = (now: Date): Column<Policy>[] => [
  { name: "name", text: ({ name }) => name },
  { name: "mode", text: ({ mode }) => mode },
  { name: "scope", text: scopeText },
  { name: "transitions", text: ({ transitions }) => transitions.join(",") },
  { name: "version", text: ({ version }) => String(version) },
  { name: "updated", text: ({ updated_at }) => ago(updated_at, now) },
  { name: "message", extra: true, text: ({ message }) => message },
  { name: "id", extra: true, text: ({ id }) => id },
];

const versionColumnsOf = (now: Date): Column<PolicyVersion>[] => [
  { name: "version", text: ({ version }) => String(version) },
  { name: "mode", text: ({ mode }) => mode },
  { name: "transitions", text: ({ transitions }) => transitions.join(",") },
  { name: "author", text: ({ author }) => author?.username ?? "" },
  { name: "created", text: ({ created_at }) => ago(created_at, now) },
  { name: "expression", text: ({ expression }) => expression.trim().replace(/\s+/g, " ") },
  { name: "message", extra: true, text: ({ message }) => message },
];

export function policyCommand(context: Context): Command {
  return new Command("policy")
    .alias("policies")
    .description("Manage policies: rules in CEL on what builds may change")
    .addCommand(listCommand(context))
    .addCommand(showCommand(context))
    .addCommand(versionsCommand(context))
    .addCommand(testCommand(context))
    .addCommand(pushCommand(context))
    .addCommand(deleteCommand(context));
}

function withScope(command: Command): Command {
  return command
    .option("-O, --org <organization>", "Organization name or ID (default: the deployment)")
    .option("-T, --template <template>", "Template name");
}

async function scopeOf(context: Context, { org, template }: ScopeOptions): Promise<Scope> {
  if (template !== undefined) return { templateId: (await findTemplate(context, template, org)).id };
  return org === undefined ? {} : { organizationId: (await context.organization(org)).id };
}

/** The policies of exactly this scope. */
async function policiesIn(context: Context, { organizationId, templateId }: Scope): Promise<Policy[]> {
  const { client } = await context.session();
  if (templateId) {
    const policies = await client.policyListByTemplate({ params: { template: templateId } });
    return policies.filter(({ template_id }) => template_id === templateId);
  }
  if (organizationId) {
    const policies = await client.policyListByOrganization({ params: { organization: organizationId } });
    return policies.filter(({ scope }) => scope === "organization");
  }
  return (await client.policyList()).filter(({ scope }) => scope === "deployment");
}

async function find(context: Context, name: string, options: ScopeOptions): Promise<Policy> {
  const policies = await policiesIn(context, await scopeOf(context, options));
  const policy = policies.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (policy) return policy;
  throw new FleetError(
    "not_found",
    `Policy "${name}" not found in this scope. List all policies with: coder policy list`,
  );
}

function listCommand(context: Context): Command {
  const columns = columnsOf(context.clock.now());
  return withScope(
    withListOutput(new Command("list").alias("ls").description("List policies"), columns),
  ).action(async (options: OutputOptions & ScopeOptions) => {
    const { client } = await context.session();
    const { organizationId, templateId } = await scopeOf(context, options);
    const policies = templateId
      ? await client.policyListByTemplate({ params: { template: templateId } })
      : organizationId
        ? await client.policyListByOrganization({ params: { organization: organizationId } })
        : await client.policyList();
    printList(context, options, columns, policies);
  });
}

function showCommand(context: Context): Command {
  return withScope(
    withTextOutput(new Command("show").description("Show a policy")).argument("<name>"),
  ).action(async (name: string, options: OutputOptions & ScopeOptions) => {
    const policy = await find(context, name, options);
    if (options.output === "json") return printJson(context, policy);
    const { stringify } = await import("yaml");
    const { mode, transitions, expression, message, message_expression } = policy;
    const by = policy.author ? ` by ${policy.author.username}` : "";
    context.note(
      `Version ${policy.version} of ${ago(policy.updated_at, context.clock.now())}${by}, ${scopeText(policy)}`,
    );
    // As `coder policy push` reads it.
    const rule = { name: policy.name, mode, transitions, expression, message };
    context.print(stringify(message_expression === "" ? rule : { ...rule, message_expression }).trimEnd());
  });
}

function versionsCommand(context: Context): Command {
  const columns = versionColumnsOf(context.clock.now());
  const command = new Command("versions").description("List the versions of a policy").argument("<name>");
  return withScope(withListOutput(command, columns)).action(
    async (name: string, options: OutputOptions & ScopeOptions) => {
      const { id } = await find(context, name, options);
      const { client } = await context.session();
      const versions = await client.policyVersionList({ params: { policy: id } });
      printList(context, options, columns, versions);
    },
  );
}

function pushCommand(context: Context): Command {
  return withScope(
    new Command("push")
      .description("Create or update policies from a YAML file")
      .argument("<file>", "YAML file, or - for standard input")
      .option("--dry-run", "Only evaluate the policies on recent plans"),
  )
    .addHelpText("after", EXAMPLE)
    .action(async (file: string, options: ScopeOptions & { dryRun?: boolean }) => {
      const policies = await readPolicies(context, file);
      const scope = await scopeOf(context, options);
      if (options.dryRun) return void (await testAll(context, policies, scope, false));
      const known = await policiesIn(context, scope);
      for (const policy of policies) await push(context, policy, scope, known);
    });
}

async function push(
  context: Context,
  { name, ...rule }: CreatePolicyRequest,
  { organizationId, templateId }: Scope,
  known: readonly Policy[],
): Promise<void> {
  const { client } = await context.session();
  const body = { name, ...rule };
  const current = known.find((one) => one.name.toLowerCase() === name.toLowerCase());
  await explained(name, async () => {
    if (current) {
      // What the file leaves out is not kept from the version before.
      const change = { transitions: ["start" as const], message_expression: "", ...rule };
      const { version } = await client.policyUpdate({ params: { policy: current.id }, body: change });
      const same = version === current.version;
      context.note(same ? `Policy ${name} is unchanged.` : `Updated policy ${name} to version ${version}.`);
      return;
    }
    if (templateId) await client.policyCreateForTemplate({ params: { template: templateId }, body });
    else if (organizationId) {
      await client.policyCreateInOrganization({ params: { organization: organizationId }, body });
    } else await client.policyCreate({ body });
    context.note(`Created policy ${name} (${rule.mode}).`);
  });
}

function testCommand(context: Context): Command {
  return withScope(
    withTextOutput(
      new Command("test")
        .description("Evaluate the policies of a YAML file on recent plans, without storing them")
        .argument("<file>", "YAML file, or - for standard input"),
    ),
  )
    .addHelpText("after", EXAMPLE)
    .action(async (file: string, options: OutputOptions & ScopeOptions) => {
      const policies = await readPolicies(context, file);
      await testAll(context, policies, await scopeOf(context, options), options.output === "json");
    });
}

/** Exits with 1 if a policy that denies would stop a build of one of the plans. */
async function testAll(
  context: Context,
  policies: readonly CreatePolicyRequest[],
  { organizationId, templateId }: Scope,
  json: boolean,
): Promise<void> {
  const { client } = await context.session();
  const tested: { policy: string; mode: string; results: PolicyTest }[] = [];
  for (const { name, mode, ...rule } of policies) {
    const body = { ...rule, organization_id: organizationId, template_id: templateId };
    const results = await explained(name, () => client.policyTest({ body }));
    tested.push({ policy: name, mode, results });
    if (!json) showTest(context, name, mode, results);
  }
  if (json) printJson(context, tested);
  const stops = tested.some(
    ({ mode, results }) => mode === "deny" && results.some(({ outcome }) => outcome !== "passed"),
  );
  if (stops) throw new ExitStatus(1);
}

function showTest(context: Context, name: string, mode: string, results: PolicyTest): void {
  const { bold, dim, green, red, yellow } = context.colors;
  const found = results.filter(({ outcome }) => outcome !== "passed");
  if (results.length === 0) {
    context.print(`${bold(name)} (${mode}): valid. ${dim("There are no recent plans to evaluate it on.")}`);
    return;
  }
  const color = found.length === 0 ? green : mode === "deny" ? red : yellow;
  context.print(
    `${bold(name)} (${mode}): ${color(`${found.length} of ${results.length} recent plans`)} violate it.`,
  );
  for (const { workspace_owner_name, workspace_name, template_name, transition, message, ...one } of found) {
    const subject = workspace_name === "" ? template_name : `${workspace_owner_name}/${workspace_name}`;
    const what = one.outcome === "error" ? `could not be evaluated: ${message}` : message;
    context.print(
      `  ${subject}  ${dim(`${transition}, ${ago(one.created_at, context.clock.now())}`)}  ${what}`,
    );
  }
}

function deleteCommand(context: Context): Command {
  return withScope(
    new Command("delete")
      .alias("rm")
      .description("Delete a policy")
      .argument("<name>")
      .option("-y, --yes", "Do not ask for confirmation"),
  ).action(async (name: string, options: ScopeOptions & { yes?: boolean }) => {
    const { client } = await context.session();
    const policy = await find(context, name, options);
    await askConsent(context, `Delete policy ${policy.name}?`, options.yes);
    await client.policyDelete({ params: { policy: policy.id } });
    context.note(`Deleted policy ${policy.name}.`);
  });
}

/** Errors of a policy name it, and show the line that is wrong. */
async function explained<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isFleetError(error, "invalid_argument")) throw error;
    throw new FleetError("invalid_argument", `Policy "${name}": ${error.message}`, {
      detail: error.detail,
      cause: error,
    });
  }
}

function scopeText({ scope, organization_name, template_name }: Policy): string {
  if (scope === "template") return `template ${template_name}`;
  return scope === "organization" ? `organization ${organization_name}` : "deployment";
}

const EXAMPLE = `
Each document of the file is a policy:

  name: cost-limit
  mode: deny             # or warn, or dry: only recorded
  transitions: [start]   # start, stop and delete; the default is start
  expression: cost.after > 100
  message: Workspaces may cost at most 100 credits per day.

The expression is true if a build violates the policy. docs/policy.md describes its variables.`;

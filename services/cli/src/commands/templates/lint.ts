import { stat } from "node:fs/promises";
import { FleetError } from "@fleet/base";
import type { Finding } from "@fleet/template-lint";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { printJson, withTextOutput } from "../../ui/output.js";
import { renderTable } from "../../ui/table.js";

type Options = { output: "text" | "json"; strict?: boolean; rules?: boolean };

export function templateLintCommand(context: Context): Command {
  return withTextOutput(
    new Command("lint")
      .description("Check a template for common mistakes, without running it")
      .argument("[directory]", "Directory of the template", ".")
      .option("--strict", "Exit with status 1 for warnings too, not only for errors")
      .option("--rules", "List the rules and exit"),
  ).action(async (directory: string, options: Options) => {
    if (options.rules) return printRules(context, options);
    const findings = await lint(directory);
    if (options.output === "json") printJson(context, findings);
    else await printFindings(context, findings);
    if (findings.some(({ severity }) => options.strict || severity === "error")) throw new ExitStatus(1);
  });
}

async function lint(directory: string): Promise<Finding[]> {
  const info = await stat(directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    throw new FleetError(
      "invalid_argument",
      `${directory} is not a directory. Specify the template's directory.`,
    );
  }
  const { packFolder, readArchive } = await import("@fleet/provisionersdk/archive");
  const { lintTemplate } = await import("@fleet/template-lint");
  const { bytes } = await packFolder(directory);
  return lintTemplate(await readArchive(bytes, "application/x-tar"));
}

async function printFindings(context: Context, findings: readonly Finding[]): Promise<void> {
  const { quoteLine } = await import("@fleet/provisionersdk/hcl");
  const { bold, dim, red, yellow } = context.colors;
  for (const { file, line, severity, message, rule, source } of findings) {
    const kind = severity === "error" ? red("error") : yellow("warning");
    context.print(`${bold(`${file}:${line}`)}: ${kind}: ${message} ${dim(`(${rule})`)}`);
    context.print(dim(`${quoteLine(line, source)}\n`));
  }
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  context.note(
    findings.length === 0
      ? "No mistakes found."
      : `${counted(errors, "error")}, ${counted(warnings, "warning")}.`,
  );
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

async function printRules(context: Context, { output }: Options): Promise<void> {
  const { RULES } = await import("@fleet/template-lint");
  const rules = RULES.map(({ name, severity, about }) => ({ name, severity, about }));
  if (output === "json") return printJson(context, rules);
  const columns = (["name", "severity", "about"] as const).map((name) => ({
    name,
    text: (rule: (typeof rules)[number]) => rule[name],
  }));
  context.print(renderTable(columns, rules));
}

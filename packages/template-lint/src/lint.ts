import type { ArchiveEntry } from "@fleet/provisionersdk";
import { HclSyntaxError } from "@fleet/provisionersdk/hcl";
import type { Finding } from "./finding.js";
import { blocksOf, type Located, type SourceFile, sourceFiles } from "./module.js";
import { lifecycleRules } from "./rules/lifecycle.js";
import { nameRules } from "./rules/names.js";
import { parameterRules } from "./rules/parameters.js";
import { providerRules } from "./rules/providers.js";
import type { Rule } from "./rules/rule.js";
import { secretRules } from "./rules/secrets.js";

/** All rules, in the order of the documentation. */
export const RULES: readonly Rule[] = [
  ...lifecycleRules,
  ...parameterRules,
  ...nameRules,
  ...providerRules,
  ...secretRules,
];

/**
 * The mistakes in a template, by file and line. Only HCL files are read, and nothing is run: expressions count by
 * what they mention. A comment `# lint:ignore <rule>` on the line, or alone on the line before it, silences a rule there.
 */
export function lintTemplate(entries: readonly ArchiveEntry[]): Finding[] {
  const files = sourceFiles(entries);
  const blocks: Located[] = [];
  const found: Omit<Finding, "source">[] = [];
  for (const file of files) {
    try {
      blocks.push(...blocksOf(file));
    } catch (error) {
      if (!(error instanceof HclSyntaxError)) throw error;
      const message = error.fault[0]!.toUpperCase() + error.fault.slice(1);
      found.push({ rule: "syntax", severity: "error", file: file.path, line: error.line, message });
    }
  }
  const locked = entries.some(({ path }) => path === ".terraform.lock.hcl");
  for (const folder of new Set(files.map((file) => file.folder))) {
    const own = new Set(files.filter((file) => file.folder === folder).map(({ path }) => path));
    const module = { folder, blocks: blocks.filter(({ file }) => own.has(file)), locked };
    for (const { name: rule, severity, check } of RULES) {
      found.push(...check(module).map((mistake) => ({ rule, severity, ...mistake })));
    }
  }
  return withSource(files, found).sort(byPlace);
}

function withSource(files: readonly SourceFile[], found: readonly Omit<Finding, "source">[]): Finding[] {
  const lines = new Map(files.map(({ path, text }) => [path, text.split(/\r?\n/)]));
  return found.flatMap((finding) => {
    const at = (line: number) => lines.get(finding.file)?.[line - 1] ?? "";
    const before = at(finding.line - 1);
    const isComment = /^\s*(#|\/\/)/.test(before);
    const ignored = ignores(at(finding.line), finding.rule) || (isComment && ignores(before, finding.rule));
    return ignored ? [] : [{ ...finding, source: at(finding.line) }];
  });
}

function ignores(line: string, rule: string): boolean {
  const names = /(?:#|\/\/)\s*lint:ignore\s+([\w\s,-]+)/.exec(line)?.[1] ?? "";
  return names.split(/[\s,]+/).includes(rule);
}

function byPlace(a: Finding, b: Finding): number {
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

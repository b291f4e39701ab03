import semver from "semver";
import { DYNAMIC, literalOf } from "../hcl/literal.js";
import type { Configuration } from "./configuration.js";

/**
 * A warning for a template that requires a version of the coder provider other than the served one;
 * undefined if it does not, or if its requirement cannot be parsed.
 *
 * @param served the served version: `2.20.0`.
 */
export function pinWarning({ blocks }: Configuration, served: string): string | undefined {
  for (const { file, block } of blocks) {
    if (block.type !== "terraform") continue;
    for (const inner of block.body.blocks) {
      const coder = inner.body.attributes.find(({ name }) => name === "coder");
      if (inner.type !== "required_providers" || !coder) continue;
      const requirement = literalOf(coder.tokens);
      if (requirement === DYNAMIC || requirement === null || typeof requirement !== "object") continue;
      const { version } = requirement as { version?: unknown };
      if (typeof version !== "string" || allows(version, served)) continue;
      return `Warning: ${file}:${inner.line} requires coder/coder ${version}, but the server only provides ${served}, which is used instead. Remove the version constraint, update the template for ${served}, or set CODER_TERRAFORM_PINNED_PROVIDER=true on the provisioner.`;
    }
  }
  return undefined;
}

/**
 * Whether a version constraint allows the version; true for one that cannot be parsed, which terraform reports.
 * https://developer.hashicorp.com/terraform/language/expressions/version-constraints
 */
export function allows(constraint: string, version: string): boolean {
  return constraint.split(",").every((part) => {
    const match = /^\s*(=|!=|>=|<=|>|<|~>)?\s*v?(\d+(?:\.\d+){0,2})\s*$/.exec(part);
    if (!match) return true;
    const [, operator = "=", text] = match;
    // npm reads a missing number as any; terraform reads it as 0.
    const bound = semver.coerce(text)!;
    if (operator !== "~>") return semver.cmp(version, operator as semver.Operator, bound);
    // Only the last given number may increase; those before it must match.
    const fixed = text!.split(".").slice(0, -1).join(".");
    return semver.gte(version, bound) && semver.satisfies(version, fixed);
  });
}

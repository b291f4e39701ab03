import { FleetError } from "@fleet/base";
import type { Fault } from "./cel/types.js";

export class PolicyNotFound extends FleetError {
  constructor() {
    super("not_found", "Policy not found, or you do not have access to it.");
  }
}

export class PolicyTemplateNotFound extends FleetError {
  constructor() {
    super("not_found", "Template not found, or you do not have access to it.");
  }
}

export class PolicyNameTaken extends FleetError {
  constructor(name: string) {
    const detail = `A policy named "${name}" already exists in this scope. Choose another name.`;
    super("already_exists", detail, { validations: [{ field: "name", detail }] });
  }
}

export class TooManyPolicies extends FleetError {
  constructor(limit: number) {
    super(
      "failed_precondition",
      `There are already ${limit} policies in this scope. Delete one that is not needed.`,
    );
  }
}

/** A field of a policy is invalid. */
export class BadPolicy extends FleetError {
  constructor(field: string, detail: string) {
    super("invalid_argument", detail, { validations: [{ field, detail }] });
  }
}

/** An expression does not parse, or its types do not fit. */
export class BadExpression extends FleetError {
  constructor({ field, text, line, column, source }: Fault) {
    const place = `line ${line}, column ${column}`;
    const name = field === "expression" ? "The expression" : "The message expression";
    super("invalid_argument", `${name} is invalid at ${place}: ${text}.`, {
      detail: `${source}\n${" ".repeat(column - 1)}^`,
      validations: [{ field, detail: `${text} (${place}): ${source}` }],
    });
  }
}

type Reason = { name: string; outcome: "passed" | "violated" | "error"; message: string };

/** Policies in a message; the rest is counted. */
const SHOWN = 10;

/** The build violates policies that deny it, or they could not be evaluated. */
export class PolicyDenied extends FleetError {
  constructor(policies: readonly Reason[]) {
    const more = policies.length > SHOWN ? [`${policies.length - SHOWN} more policies deny it.`] : [];
    const reasons = [...policies.slice(0, SHOWN).map(reasonOf), ...more];
    super("failed_precondition", `This build was denied. ${reasons.join(" ")} Nothing was changed.`);
  }
}

/** A sentence for users, with the policy's name. */
export function reasonOf({ name, outcome, message }: Reason): string {
  const sentence = /[.!?]$/.test(message) ? message : `${message}.`;
  return outcome === "error"
    ? `Policy "${name}" could not be evaluated: ${sentence}`
    : `Policy "${name}": ${sentence}`;
}

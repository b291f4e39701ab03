export type Severity = "error" | "warning";

/** A mistake in a template, at a place in its files. */
export type Finding = {
  /** The name of the rule, as in a `lint:ignore` comment. */
  rule: string;
  severity: Severity;
  /** Relative to the template's root, with forward slashes. */
  file: string;
  /** From 1. */
  line: number;
  /** A sentence that says what happens, and one that says what to do. */
  message: string;
  /** The source line, without its line break. */
  source: string;
};

/** What a rule found. The linter adds the rule's name and the source line. */
export type Mistake = Pick<Finding, "file" | "line" | "message">;

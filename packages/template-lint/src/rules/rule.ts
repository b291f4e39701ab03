import type { Mistake, Severity } from "../finding.js";
import type { Module } from "../module.js";

/** Checks one module, and says at which lines the mistake is. */
export type Rule = {
  name: string;
  severity: Severity;
  /** What the rule is about, as a noun phrase. */
  about: string;
  check(module: Module): Mistake[];
};

/** A violation that a case can find. */
export type Fault = "server_errors" | "hangs" | "schema_mismatches" | FuzzerFault;
/** Errors of the fuzzer itself, such as Python's own limits. */
type FuzzerFault = "fuzzer_errors";

/** Counts cases and violations, and keeps an example of each kind: one cause produces thousands. */
export type Findings = {
  cases: number;
  readonly counts: Record<Fault, number>;
  add(fault: Fault, operation: string, what: string): void;
  lines(): string[];
};

const EXAMPLES = 60;
const EXAMPLE_LENGTH = 400;

export function createFindings(): Findings {
  const examples = new Map<string, { example: string; times: number }>();
  return {
    cases: 0,
    counts: { server_errors: 0, hangs: 0, schema_mismatches: 0, fuzzer_errors: 0 },
    add(fault, operation, what) {
      this.counts[fault] += 1;
      const kind = `${fault} ${operation}`;
      const known = examples.get(kind);
      if (known) known.times += 1;
      else examples.set(kind, { example: what.slice(0, EXAMPLE_LENGTH), times: 1 });
    },
    lines: () =>
      [...examples].slice(0, EXAMPLES).map(([kind, { example, times }]) => `${kind} (${times}×): ${example}`),
  };
}

import { runInThisContext } from "node:vm";

export type Warnings = Disposable & { readonly seen: Error[] };

/** Collects Node.js warnings from here on. The `process` global of a test is jest's copy, which gets no warnings. */
export function collectWarnings(): Warnings {
  const real: NodeJS.Process = runInThisContext("process");
  const seen: Error[] = [];
  const onWarning = (warning: Error) => void seen.push(warning);
  real.on("warning", onWarning);
  return { seen, [Symbol.dispose]: () => void real.off("warning", onWarning) };
}

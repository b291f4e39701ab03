import { runInThisContext } from "node:vm";

export type Warnings = Disposable & { readonly seen: Error[] };

/** What Node.js warns of from here on. The `process` that a test sees is jest's copy, which is told of nothing. */
export function collectWarnings(): Warnings {
  const real: NodeJS.Process = runInThisContext("process");
  const seen: Error[] = [];
  const onWarning = (warning: Error) => void seen.push(warning);
  real.on("warning", onWarning);
  return { seen, [Symbol.dispose]: () => void real.off("warning", onWarning) };
}

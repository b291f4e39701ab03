import { errorMessage } from "./errors.js";
import type { Environment, Settings, ValuesOf } from "./settings/settings.js";
import { VERSION } from "./version.js";

/** A program that runs until it is stopped. */
export type Running = {
  /** Settles once the program has ended; a rejection is its failure. */
  readonly done: Promise<unknown>;
  /** Called on the first signal: finishes work in progress, then settles `done`. */
  stop(signal: NodeJS.Signals): void;
  /** Called on any interrupt, and on every further signal: abandons work. If omitted, the second signal exits. */
  interrupt?(): void;
  /**
   * Called for an unhandled error in a promise or an event. The request or connection it belonged to is lost; the rest
   * continues, since no peer may end a process that serves many. If omitted, the error ends the process.
   */
  onFault?(error: unknown): void;
};

// biome-ignore lint/suspicious/noExplicitAny: a program's settings are its own business.
type Any = any;

export type RunProcess<D extends Record<string, Any>> = {
  name: string;
  settings: Settings<D>;
  env: Environment;
  /** The command line without the program's name. */
  args: readonly string[];
  start(config: ValuesOf<D>): Promise<Running>;
};

/**
 * Runs a program from its settings to its exit: handles `--help` and `--version`, prints one sentence to standard error
 * if it cannot start, handles SIGTERM and SIGINT, and exits with 0 if it was asked to stop, else 1.
 */
export async function runProcess<D extends Record<string, Any>>(options: RunProcess<D>): Promise<never> {
  const { name, settings, env, args } = options;
  if (args.includes("--help") || args.includes("-h")) return printed(settings.help());
  if (args.includes("--version")) return printed(`${name} ${VERSION}\n`);
  try {
    const running = await options.start(settings.read(env));
    listenForSignals(running);
    if (running.onFault) process.on("uncaughtException", (error) => running.onFault!(error));
    await running.done;
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${name}: ${errorMessage(error)}\n`);
    process.exit(1);
  }
}

function listenForSignals(running: Running): void {
  let told = false;
  const onSignal = (signal: NodeJS.Signals) => {
    const again = told;
    told = true;
    if (running.interrupt && (again || signal === "SIGINT")) running.interrupt();
    else if (again) process.exit(1);
    else running.stop(signal);
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
}

function printed(text: string): never {
  process.stdout.write(text);
  process.exit(0);
}

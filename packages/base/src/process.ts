import { errorMessage } from "./errors.js";
import type { Environment, Settings, ValuesOf } from "./settings/settings.js";
import { VERSION } from "./version.js";

/** A program that runs until it is told to stop. */
export type Running = {
  /** Settles once the program has ended; a rejection is its failure. */
  readonly done: Promise<unknown>;
  /** The first signal: ends what is under way, then settles `done`. */
  stop(signal: NodeJS.Signals): void;
  /** Any interrupt, and every further signal: gives up what is under way. Without it, the second signal ends the process. */
  interrupt?(): void;
  /**
   * Told of an error that nothing handled, in a promise or an event. What it belonged to, a request or a connection, is
   * lost; all else goes on: no single peer may end a process that serves many. Without it, such an error ends the process.
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
 * Runs a program from its settings to its exit: `--help` and `--version`, one sentence on standard error for what keeps it
 * from starting, SIGTERM and SIGINT, and the exit status: 0 when it ended because it was told to, else 1.
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

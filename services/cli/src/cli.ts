import { CommanderError } from "commander";
import { answerAskpass, isAskpassQuestion } from "./commands/inside/external-auth.js";
import { type Context, createContext } from "./context.js";
import { ExitStatus } from "./exit-status.js";
import type { Io } from "./io.js";
import { createProgram } from "./program.js";
import { renderError } from "./ui/error.js";

/** The status of a command that Ctrl-C ended, as shells have it. */
const INTERRUPTED = 130;
/** The status of one whose reader went away: that of SIGPIPE, which ends other programs without a word. */
const READER_LEFT = 141;

/** Runs one command line (without the program's own name). Resolves with the exit status; never rejects. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const context = createContext(io);
  try {
    if (isAskpassQuestion(args)) await answerAskpass(context, args[0]!);
    else await createProgram(context).parseAsync([...args], { from: "user" });
    await flushed(io.stdout);
    return context.readerLeft ? READER_LEFT : 0;
  } catch (error) {
    return statusOf(error, context);
  } finally {
    await context.close();
  }
}

/** Resolves once all that was written has gone out, or cannot any more. */
function flushed(stream: Io["stdout"]): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

function statusOf(error: unknown, context: Context): number {
  if (error instanceof ExitStatus) return error.status;
  if (context.readerLeft) return READER_LEFT;
  if (context.signal.aborted) return INTERRUPTED;
  // Commander has printed its own message, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode;
  context.note(renderError(error, context));
  return 1;
}

import { CommanderError } from "commander";
import { answerAskpass, isAskpassQuestion } from "./commands/inside/external-auth.js";
import { type Context, createContext } from "./context.js";
import { ExitStatus } from "./exit-status.js";
import type { Io } from "./io.js";
import { createProgram } from "./program.js";
import { renderError } from "./ui/error.js";

/** Exit status after Ctrl-C, as in shells. */
const INTERRUPTED = 130;
/** Exit status after the output's reader has exited: that of SIGPIPE, which ends other programs silently. */
const READER_LEFT = 141;

/** Runs one command line (without the program's name). Resolves with the exit status; never rejects. */
export async function runCli(args: readonly string[], io: Io): Promise<number> {
  const context = createContext(io);
  try {
    if (isAskpassQuestion(args)) await answerAskpass(context, args[0]!);
    else {
      const program = await createProgram(context, args);
      await program.parseAsync([...args], { from: "user" });
    }
    await flushed(io.stdout);
    return context.readerLeft ? READER_LEFT : 0;
  } catch (error) {
    return statusOf(error, context);
  } finally {
    await context.close();
  }
}

/** Resolves once all output has been written, or can no longer be. */
function flushed(stream: Io["stdout"]): Promise<void> {
  return new Promise((resolve) => stream.write("", () => resolve()));
}

function statusOf(error: unknown, context: Context): number {
  if (error instanceof ExitStatus) return error.status;
  if (context.readerLeft) return READER_LEFT;
  if (context.signal.aborted) return INTERRUPTED;
  // Commander has already printed its message or the requested help.
  if (error instanceof CommanderError) return error.exitCode;
  context.note(renderError(error, context));
  return 1;
}

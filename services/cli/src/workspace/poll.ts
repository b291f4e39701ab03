import type { Context } from "../context.js";

const POLL_MS = 250;

export type PollOptions<T> = {
  get(): Promise<T>;
  isFinal(answer: T): boolean;
  /** Called if the command is interrupted; its errors are ignored. */
  cancel(): Promise<unknown>;
};

/** Asks the server until its answer is final, and returns it. Interrupting the command cancels what it waits for. */
export async function poll<T>(context: Context, { get, isFinal, cancel }: PollOptions<T>): Promise<T> {
  try {
    for (;;) {
      const answer = await get();
      if (isFinal(answer)) return answer;
      await context.clock.sleep(POLL_MS, context.signal);
    }
  } catch (error) {
    if (context.signal.aborted) await cancel().catch(() => {});
    throw error;
  }
}

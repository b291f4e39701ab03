import type { Clock } from "@fleet/base";

const TICK_MS = 1_000;
/** Queries wait and nothing comes from the server for so many ticks: then it is asked by itself. */
const SUSPICIOUS_TICKS = 2;
/** A server that does not answer this question for so many ticks is away. */
const SILENT_TICKS = 4;
/** A server that hangs is noticed after this time at the latest. One that is only slow answers the question meanwhile. */
export const NOTICED_AFTER_MS = (SUSPICIOUS_TICKS + SILENT_TICKS + 1) * TICK_MS;

export type WatchOptions = {
  clock: Clock;
  /** Whether a query waits for the server. */
  waiting(): boolean;
  /** Asks the server a question over a connection of its own, until the signal aborts. False where nobody answered. */
  ask(signal: AbortSignal): Promise<boolean>;
  onAway(): void;
  onBack(): void;
};

/** Tells a server that hangs from a query that takes long. */
export type Watch = {
  /** The server has said something. */
  heard(): void;
  close(): void;
};

/**
 * Time is counted in ticks of this process, and not by the clock on the wall: a process that was stopped itself, or was
 * too busy to read, has heard nothing either, and may not blame the server for it.
 */
export function createWatch({ clock, waiting, ask, onAway, onBack }: WatchOptions): Watch {
  let heard = false;
  let away = false;
  let quietTicks = 0;
  let question: { ticks: number; control: AbortController } | undefined;

  function put(): void {
    const asked = { ticks: 0, control: new AbortController() };
    question = asked;
    void ask(asked.control.signal).then((answered) => {
      if (question !== asked) return;
      question = undefined;
      quietTicks = 0;
      if (!away || !answered) return;
      away = false;
      onBack();
    });
  }

  const timer = clock.every(TICK_MS, () => {
    quietTicks = heard || !waiting() ? 0 : quietTicks + 1;
    heard = false;
    if (question && ++question.ticks >= SILENT_TICKS) {
      const { control } = question;
      question = undefined;
      control.abort();
      if (!away) onAway();
      away = true;
    }
    if (!question && (away || quietTicks >= SUSPICIOUS_TICKS)) put();
  });

  return {
    heard() {
      heard = true;
    },
    close() {
      timer.cancel();
      const asked = question;
      question = undefined;
      asked?.control.abort();
    },
  };
}

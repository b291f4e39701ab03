import type { Clock } from "@fleet/base";

const TICK_MS = 1_000;
/** Ticks without data from the server while queries wait, before it is probed. */
const SUSPICIOUS_TICKS = 2;
/** Ticks without a response to the probe, after which the server counts as down. */
const SILENT_TICKS = 4;
/** Maximum time to notice a hanging server. One that is merely slow responds to the probe in time. */
export const NOTICED_AFTER_MS = (SUSPICIOUS_TICKS + SILENT_TICKS + 1) * TICK_MS;

export type WatchOptions = {
  clock: Clock;
  /** Whether any query is waiting for the server. */
  waiting(): boolean;
  /** Probes the server over a separate connection until the signal aborts. False if it did not respond. */
  ask(signal: AbortSignal): Promise<boolean>;
  onAway(): void;
  onBack(): void;
};

/** Distinguishes a hanging server from a slow query. */
export type Watch = {
  /** Records that data arrived from the server. */
  heard(): void;
  close(): void;
};

/**
 * Counts ticks of this process instead of wall-clock time: a process that was itself suspended, or too busy to read,
 * has received nothing either and must not blame the server.
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

import { type Clock, formatDuration, type Timer } from "@fleet/base";
import type { Io } from "../io.js";

/** Shorter disconnects are not reported. In milliseconds. */
const QUIET_MS = 2_000;

export type LossNoticeOptions = {
  io: Io;
  clock: Clock;
  /** Reads keys while disconnected: Ctrl-C, or `~.` as in OpenSSH, exits. */
  hasKeyboard: boolean;
  onLeave(): void;
};

export type LossNotice = {
  lost(): void;
  resumed(): void;
  onRepaint(repaint: () => void): void;
  close(): void;
};

/** Reports a lasting disconnect and the reconnect on separate lines on standard error. */
export function createLossNotice({ io, clock, hasKeyboard, onLeave }: LossNoticeOptions): LossNotice {
  let timer: Timer | undefined;
  let lostAt: number | undefined;
  let shown = false;
  let typed = "";
  let repaint = () => {};
  const watchesKeys = hasKeyboard && Boolean(io.stdin.isTTY);

  /** CR and LF, because the terminal may be in raw mode, with its cursor anywhere in a line. */
  function show(text: string): void {
    io.stderr.write(io.stderr.isTTY ? `\r\n${text}\r\n` : `${text}\n`);
  }

  function onKeys(chunk: Buffer | string): void {
    typed = (typed + String(chunk)).slice(-2);
    if (typed.includes("\x03") || typed === "~.") onLeave();
  }

  function stop(): void {
    timer?.cancel();
    if (watchesKeys) io.stdin.off("data", onKeys);
    typed = "";
    shown = false;
    lostAt = undefined;
  }

  return {
    lost() {
      lostAt ??= clock.now().getTime();
      timer?.cancel();
      timer = clock.after(QUIET_MS, () => {
        if (shown) return;
        shown = true;
        show(`Connection lost, reconnecting…${watchesKeys ? " Ctrl-C leaves." : ""}`);
        if (watchesKeys) io.stdin.on("data", onKeys);
      });
    },
    resumed() {
      if (shown) {
        show(`Reconnected after ${formatDuration(clock.now().getTime() - lostAt!)}; nothing was lost.`);
        repaint();
      }
      stop();
    },
    onRepaint(callback) {
      repaint = callback;
    },
    close: stop,
  };
}

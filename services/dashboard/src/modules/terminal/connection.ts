import { client, pulse as pagePulse } from "../../api/client.js";
import { HEARTBEAT_LIMIT_MS } from "../../api/live.js";
import type { Pulse } from "../../api/pulse.js";

/** Delay between reconnects, doubled each time up to the maximum. */
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 10_000;
/** Timeout for opening a connection. */
const OPEN_LIMIT_MS = 15_000;
/**
 * Maximum output waiting to be drawn. Beyond it the socket is closed: after a reconnect the agent sends the current
 * screen.
 */
const PENDING_LIMIT_BYTES = 8 * 1024 * 1024;
/** How often to check whether the connection is alive. */
const LOOK_MS = 1_000;
/** Close code of an abandoned connection: no close frame was received (RFC 6455 §7.4.1). */
const GIVEN_UP = 1006;
/** The shell exited (RFC 6455: normal closure). */
const NORMAL_CLOSE = 1000;

export type TerminalState =
  | { kind: "connecting" }
  | { kind: "connected" }
  /** `retryAt`: time of the next attempt, in milliseconds since the epoch. */
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "ended" };

export type Screen = {
  /** Draws output; calls back when it is drawn. */
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Clears the screen, because the agent sends it again after a reconnect. */
  reset(): void;
  size(): { rows: number; cols: number };
};

export type TerminalConnection = {
  send(data: string): void;
  resize(): void;
  /** Retries immediately. */
  retry(): void;
  close(): void;
};

/**
 * Keeps a screen attached to one shell of an agent. The shell is identified by its `reconnect` ID and runs in the
 * agent: after a disconnect the client reattaches with the same ID, indefinitely.
 */
export function connectTerminal(options: {
  agent: string;
  reconnect: string;
  command: string | undefined;
  screen: Screen;
  onState(state: TerminalState): void;
  pulse?: Pick<Pulse, "heard" | "doubt" | "lost" | "subscribe" | "state">;
}): TerminalConnection {
  const { agent, reconnect, command, screen, onState, pulse = pagePulse } = options;
  const controller = new AbortController();
  const { signal } = controller;
  let socket: WebSocket | undefined;
  let wait = FIRST_WAIT_MS;
  let wake = () => {};

  async function run() {
    for (let first = true; !signal.aborted; first = false) {
      if (first) onState({ kind: "connecting" });
      try {
        const { rows, cols } = screen.size();
        socket = await client.agentPty({
          params: { agent },
          query: { reconnect, height: rows, width: cols, heartbeat: true, ...(command ? { command } : {}) },
          signal: AbortSignal.any([signal, AbortSignal.timeout(OPEN_LIMIT_MS), pulse.lost()]),
        });
        if (signal.aborted) return;
        if (!first) screen.reset();
        wait = FIRST_WAIT_MS;
        onState({ kind: "connected" });
        const code = await untilClosed(socket, screen, pulse);
        if (signal.aborted) return;
        if (code === NORMAL_CLOSE) return onState({ kind: "ended" });
      } catch {
        if (signal.aborted) return;
      } finally {
        socket = undefined;
      }
      const delay = Math.max(100, Math.random() * wait);
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
      onState({ kind: "reconnecting", retryAt: Date.now() + delay });
      await sleep(delay);
    }
  }

  function sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const retry = () => {
    wait = FIRST_WAIT_MS;
    wake();
  };
  const stopWatching = pulse.subscribe(() => {
    if (pulse.state() === "ok") retry();
  });
  void run();

  const send = (message: { data?: string; height?: number; width?: number }) => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  return {
    send: (data) => send({ data }),
    resize() {
      const { rows, cols } = screen.size();
      send({ height: rows, width: cols });
    },
    retry,
    close() {
      stopWatching();
      controller.abort();
      wake();
    },
  };
}

/**
 * Draws output until the socket closes; resolves with the close code. If heartbeats stop or the server is lost, the
 * socket is abandoned without its closing handshake, which would take a minute.
 */
function untilClosed(
  socket: WebSocket,
  screen: Screen,
  pulse: Pick<Pulse, "heard" | "doubt" | "lost">,
): Promise<number> {
  let pending = 0;
  let heardAt = performance.now();
  let beats = false;
  return new Promise((resolve) => {
    const lost = pulse.lost();
    const timer = setInterval(() => {
      if (!beats || performance.now() - heardAt < HEARTBEAT_LIMIT_MS) return;
      pulse.doubt();
      give(GIVEN_UP);
    }, LOOK_MS);
    const giveUp = () => give(GIVEN_UP);
    function give(code: number) {
      clearInterval(timer);
      lost.removeEventListener("abort", giveUp);
      socket.removeEventListener("message", onMessage);
      socket.close();
      resolve(code);
    }
    function onMessage({ data }: MessageEvent<ArrayBuffer | string>) {
      heardAt = performance.now();
      pulse.heard();
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
      // Older deployments may not send heartbeats.
      if (bytes.length === 0) beats = true;
      pending += bytes.length;
      screen.write(bytes, () => {
        pending -= bytes.length;
      });
      // 4000: our own code, which triggers a reconnect.
      if (pending > PENDING_LIMIT_BYTES) socket.close(4000, "The page fell behind.");
    }
    socket.addEventListener("message", onMessage);
    socket.addEventListener("close", ({ code }) => give(code), { once: true });
    lost.addEventListener("abort", giveUp, { once: true });
    if (socket.readyState === WebSocket.CLOSED || lost.aborted) giveUp();
  });
}

/** A UUID, on plain-HTTP pages too, where crypto.randomUUID does not exist. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

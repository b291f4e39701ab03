import { client, pulse as pagePulse } from "../../api/client.js";
import { HEARTBEAT_LIMIT_MS } from "../../api/live.js";
import type { Pulse } from "../../api/pulse.js";

/** Between tries to reach a shell again, doubled each time up to the most. */
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 10_000;
/** How long a connection may take to open. */
const OPEN_LIMIT_MS = 15_000;
/** Output that may wait to be drawn. Beyond it the socket is dropped: on return the agent sends the screen as it is. */
const PENDING_LIMIT_BYTES = 8 * 1024 * 1024;
/** How often it is looked whether the connection is still alive. */
const LOOK_MS = 1_000;
/** What a connection that was given up ends with: no close frame has come (RFC 6455 §7.4.1). */
const GIVEN_UP = 1006;
/** The shell ended by itself (RFC 6455: a normal close). */
const NORMAL_CLOSE = 1000;

export type TerminalState =
  | { kind: "connecting" }
  | { kind: "connected" }
  /** `retryAt`: when the next try begins, in milliseconds since the epoch. */
  | { kind: "reconnecting"; retryAt: number }
  | { kind: "ended" };

export type Screen = {
  /** Draws output; calls back when it is drawn. */
  write(bytes: Uint8Array, drawn: () => void): void;
  /** Empties the screen, for the agent sends it anew to a client that comes back. */
  reset(): void;
  size(): { rows: number; cols: number };
};

export type TerminalConnection = {
  send(data: string): void;
  resize(): void;
  /** Tries at once instead of waiting. */
  retry(): void;
  close(): void;
};

/**
 * Keeps a screen attached to one shell of an agent. The shell is known by its `reconnect` id and lives in the agent: what
 * breaks off is joined again under the same id, as often as it takes.
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
 * Draws what comes until the socket closes; resolves with the close code. A socket whose server is gone is given up without
 * its closing handshake, which would take a minute: when its heartbeats stay away, or when the server is lost.
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
      // Deployments in between may be of a version that sends none.
      if (bytes.length === 0) beats = true;
      pending += bytes.length;
      screen.write(bytes, () => {
        pending -= bytes.length;
      });
      // 4000: a code of our own, which leads to another try.
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

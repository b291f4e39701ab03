import { client } from "../../api/client.js";

/** Between tries to reach a shell again, doubled each time up to the most. */
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 10_000;
/** Output that may wait to be drawn. Beyond it the socket is dropped: on return the agent sends the screen as it is. */
const PENDING_LIMIT_BYTES = 8 * 1024 * 1024;
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
 * Keeps a screen joined to one shell of an agent. The shell is known by its `reconnect` id and lives in the agent: what
 * breaks off is joined again under the same id, as often as it takes.
 */
export function connectTerminal(options: {
  agent: string;
  reconnect: string;
  command: string | undefined;
  screen: Screen;
  onState(state: TerminalState): void;
}): TerminalConnection {
  const { agent, reconnect, command, screen, onState } = options;
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
          query: { reconnect, height: rows, width: cols, ...(command ? { command } : {}) },
          signal,
        });
        if (signal.aborted) return;
        if (!first) screen.reset();
        wait = FIRST_WAIT_MS;
        onState({ kind: "connected" });
        const code = await untilClosed(socket, screen);
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
  window.addEventListener("online", retry);
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
      window.removeEventListener("online", retry);
      controller.abort();
      wake();
    },
  };
}

/** Draws what comes until the socket closes; resolves with the close code. */
function untilClosed(socket: WebSocket, screen: Screen): Promise<number> {
  let pending = 0;
  socket.addEventListener("message", ({ data }: MessageEvent<ArrayBuffer | string>) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
    pending += bytes.length;
    screen.write(bytes, () => {
      pending -= bytes.length;
    });
    // 4000: a code of our own, which leads to another try.
    if (pending > PENDING_LIMIT_BYTES) socket.close(4000, "The page fell behind.");
  });
  return new Promise((resolve) => {
    socket.addEventListener("close", ({ code }) => resolve(code), { once: true });
    if (socket.readyState === WebSocket.CLOSED) resolve(1006);
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

import { abortError, FleetError } from "@fleet/base";
import { networkError, parseMessage } from "./client-error.js";

/** Messages queued for a slow reader before the stream is dropped; a WebSocket has no flow control to slow its peer. */
const PENDING_LIMIT = 16_384;

/** Node's WebSocket takes headers as its second argument; a browser's does not, and sends the session cookie. */
type SocketConstructor = new (url: string, options?: { headers: Record<string, string> }) => WebSocket;

/** Opens a WebSocket; resolves when it is open. Binary messages arrive as ArrayBuffer. Aborting closes it. */
export async function openSocket(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<WebSocket> {
  const socket = connect(url, headers, signal);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve(), { once: true });
    const fail = () => reject(networkError(url, undefined, signal));
    socket.addEventListener("error", fail, { once: true });
    socket.addEventListener("close", fail, { once: true });
    signal?.addEventListener("abort", fail, { once: true });
  });
  return socket;
}

/** The JSON messages of a WebSocket, until the server closes it. Leaving the loop closes it; aborting ends it at once. */
export async function* readSocket(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): AsyncGenerator<never> {
  yield* messagesOf(connect(url, headers, signal), url, signal);
}

/** A WebSocket on which both sides send JSON. Iterate it once, for what the server sends; leaving the loop closes it. */
export type Exchange<Sent, Received> = AsyncIterable<Received> & {
  /** Sends a message, as soon as the connection is open. Of those sent before that, only the last is sent. */
  send(message: Sent): void;
};

/** Connects at once; reading starts with the first iteration, which also throws if the connection fails. */
export function openExchange(
  url: string,
  headers: Record<string, string>,
  signal: AbortSignal | undefined,
): Exchange<unknown, never> {
  const socket = connect(url, headers, signal);
  const messages = messagesOf(socket, url, signal);
  let early: string | undefined;
  socket.addEventListener("open", () => early !== undefined && socket.send(early), { once: true });
  return {
    send(message) {
      const text = JSON.stringify(message);
      if (socket.readyState === WebSocket.CONNECTING) early = text;
      else if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    [Symbol.asyncIterator]: () => messages,
  };
}

function messagesOf(socket: WebSocket, url: string, signal: AbortSignal | undefined): AsyncGenerator<never> {
  const pending: string[] = [];
  let failure: Error | undefined;
  let closed = false;
  let wake = () => {};
  socket.addEventListener("message", (message) => {
    if (pending.length >= PENDING_LIMIT) {
      failure = new FleetError(
        "resource_exhausted",
        "The stream was closed because its reader fell too far behind.",
      );
      socket.close();
    } else if (!failure) pending.push(String(message.data));
    wake();
  });
  socket.addEventListener("error", () => {
    failure ??= networkError(url, undefined, signal);
  });
  socket.addEventListener("close", (close) => {
    closed = true;
    // 1000 and 1001 are normal closures by the server; 1005 is a close without a status.
    if (![1000, 1001, 1005].includes(close.code)) failure ??= networkError(url, close.reason, signal);
    wake();
  });
  async function* read(): AsyncGenerator<never> {
    // A dead peer never answers the closing handshake, so aborting does not wait for it.
    const abort = () => wake();
    signal?.addEventListener("abort", abort, { once: true });
    try {
      for (;;) {
        for (let text = pending.shift(); text !== undefined; text = pending.shift())
          yield parseMessage(text, url) as never;
        if (signal?.aborted) throw abortError(signal);
        if (failure) throw failure;
        if (closed) return;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      socket.close();
    }
  }
  return read();
}

function connect(url: string, headers: Record<string, string>, signal: AbortSignal | undefined): WebSocket {
  if (signal?.aborted) throw abortError(signal);
  const address = new URL(url, (globalThis as { location?: { href: string } }).location?.href);
  address.protocol = address.protocol.replace("http", "ws");
  const Socket = WebSocket as unknown as SocketConstructor;
  const isBrowser = "document" in globalThis;
  const socket = isBrowser ? new Socket(address.href) : new Socket(address.href, { headers });
  socket.binaryType = "arraybuffer";
  const abort = () => socket.close();
  signal?.addEventListener("abort", abort, { once: true });
  socket.addEventListener("close", () => signal?.removeEventListener("abort", abort), { once: true });
  return socket;
}

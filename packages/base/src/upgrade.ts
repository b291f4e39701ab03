import type { IncomingMessage } from "node:http";
import * as http from "node:http";
import * as https from "node:https";
import type { Socket } from "node:net";
import { abortError } from "./abort.js";
import { type ErrorCode, FleetError } from "./errors.js";

/** How long the server may take to answer the upgrade, in milliseconds. */
const UPGRADE_TIMEOUT_MS = 10_000;
/** How much of an error response's body is read for its message, in bytes. */
const MAX_REFUSAL_BYTES = 8 * 1024;
/** The kernel probes the connection after this much silence, in milliseconds. */
const TCP_KEEPALIVE_MS = 30_000;

export type UpgradeOptions = {
  /** The deployment's URL, http or https. */
  accessUrl: string;
  /** Path and query below it. */
  path: string;
  /** The token of the `Upgrade` header, such as `coder-tunnel/1`. */
  protocol: string;
  /** Credentials and other headers of the request. */
  headers: Readonly<Record<string, string>>;
  signal?: AbortSignal;
};

/**
 * Turns an HTTP/1.1 request into a raw connection. Rejects with `unauthenticated` for a 401, with `not_found`,
 * `permission_denied` and so on for the server's other errors, and with `unavailable` if it cannot be reached.
 */
export function upgrade(options: UpgradeOptions): Promise<Socket> {
  const { protocol, signal } = options;
  const url = new URL(options.path, options.accessUrl);
  const secure = url.protocol === "https:";
  const send = secure ? https.request : http.request;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const request = send(url, {
      agent: viaProxy(secure),
      headers: { ...options.headers, Connection: "Upgrade", Upgrade: protocol },
    });
    const onAbort = () => request.destroy(abortError(signal!));
    signal?.addEventListener("abort", onAbort, { once: true });
    const settled = () => {
      clearTimeout(timeout);
      signal?.removeEventListener("abort", onAbort);
    };
    const timeout = setTimeout(() => {
      request.destroy(new Error(`timed out after ${UPGRADE_TIMEOUT_MS / 1000} seconds`));
    }, UPGRADE_TIMEOUT_MS);
    timeout.unref();

    request.on("upgrade", (_response, socket: Socket, head) => {
      settled();
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.on("response", (response) => {
      void refusalOf(response).then((error) => {
        settled();
        request.destroy();
        reject(error);
      });
    });
    request.on("error", (error) => {
      settled();
      if (signal?.aborted || error instanceof FleetError) return reject(error);
      reject(
        new FleetError("unavailable", `Cannot connect to ${url.origin}: ${error.message}.`, { cause: error }),
      );
    });
    request.end();
  });
}

/**
 * A connection of its own, through the proxy that HTTPS_PROXY and NO_PROXY name: a tunnel (CONNECT), in which the upgrade
 * is end to end. A proxy for plain HTTP would have to understand the upgrade itself, so HTTP_PROXY does not apply.
 */
function viaProxy(secure: boolean): https.Agent | false {
  const { HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy } = process.env;
  if (!secure || !(HTTPS_PROXY || https_proxy)) return false;
  return new https.Agent({ proxyEnv: { HTTPS_PROXY, https_proxy, NO_PROXY, no_proxy } });
}

const CODE_OF_STATUS: Record<number, ErrorCode> = {
  400: "invalid_argument",
  401: "unauthenticated",
  403: "permission_denied",
  404: "not_found",
  409: "conflict",
  412: "failed_precondition",
  429: "resource_exhausted",
};

/** Turns a response other than the upgrade into an error, with the message of its JSON body if it has one. */
async function refusalOf(response: IncomingMessage): Promise<FleetError> {
  const status = response.statusCode ?? 0;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_REFUSAL_BYTES) break;
    }
  } catch {
    // If the body breaks off, the status is enough.
  }
  const code = CODE_OF_STATUS[status] ?? "unavailable";
  return new FleetError(
    code,
    messageOf(Buffer.concat(chunks)) ?? `The server answered with status ${status}.`,
  );
}

function messageOf(body: Buffer): string | undefined {
  try {
    const { message } = JSON.parse(body.toString("utf8"));
    return typeof message === "string" && message !== "" ? message : undefined;
  } catch {
    return undefined;
  }
}

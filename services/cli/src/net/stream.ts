import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { abortError, FleetError, SESSION_HEADER, STREAM_PROTOCOL } from "@fleet/base";
import { callSpecs, codeOfHttpStatus, routeUrl } from "@fleet/sdk/browser";
import type { Session } from "../context.js";

const ERROR_BODY_LIMIT = 64 * 1024;
/** Timeout for opening a stream; the deployment gives an agent 15 s. */
const OPEN_TIMEOUT_MS = 20_000;
/** Idle time before the kernel sends TCP keepalives, in milliseconds. */
const TCP_KEEPALIVE_MS = 15_000;

/** A raw byte stream to an agent's SSH server, or with `resumable`, to its resumption layer if supported. */
export function openSshStream(
  session: Session,
  agent: string,
  signal?: AbortSignal,
  { resumable = false } = {},
): Promise<Socket> {
  const call = { params: { agent }, query: resumable ? { resumable: "1" as const } : {} };
  return openStream(session, routeUrl(callSpecs.agentSsh!, call, session.url), signal);
}

/** A raw byte stream to `host:port` as resolved in the workspace; for UDP, of framed datagrams. */
export function openForwardStream(
  session: Session,
  agent: string,
  query: { target: string; network?: "udp" },
  signal?: AbortSignal,
): Promise<Socket> {
  const call = { params: { agent }, query };
  return openStream(session, routeUrl(callSpecs.agentForward!, call, session.url), signal);
}

/** Upgrades a request to a byte stream. Throws with the server's own message when it refuses. */
function openStream(session: Session, url: string, signal?: AbortSignal): Promise<Socket> {
  const request = (url.startsWith("https:") ? requestHttps : requestHttp)(url, {
    agent: false,
    signal,
    headers: {
      ...session.headers,
      Connection: "Upgrade",
      Upgrade: STREAM_PROTOCOL,
      [SESSION_HEADER]: session.token,
    },
  });
  const timer = setTimeout(() => {
    request.destroy(new Error(`no response within ${OPEN_TIMEOUT_MS / 1000} seconds`));
  }, OPEN_TIMEOUT_MS);
  request.once("close", () => clearTimeout(timer));
  return new Promise<Socket>((resolve, reject) => {
    request.once("upgrade", (_response, socket: Socket, head) => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      socket.setKeepAlive(true, TCP_KEEPALIVE_MS);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once("response", (response) => {
      const status = response.statusCode ?? 0;
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        if (body.length < ERROR_BODY_LIMIT) body += chunk;
      });
      response.on("close", () => reject(refusal(status, body)));
    });
    request.once("error", (cause) => {
      if (signal?.aborted) return reject(abortError(signal));
      reject(new FleetError("unavailable", `Could not reach ${session.url}: ${cause.message}.`, { cause }));
    });
    request.end();
  });
}

function refusal(status: number, body: string): FleetError {
  const code = status < 400 ? "unimplemented" : codeOfHttpStatus(status);
  try {
    const { message, detail } = JSON.parse(body) as { message: string; detail?: string };
    if (typeof message === "string") return new FleetError(code, message, { detail });
  } catch {}
  return new FleetError(
    // An ingress may answer 404 while its backends are replaced, so this is not the deployment's answer.
    code === "not_found" ? "unavailable" : code,
    `The deployment did not open a connection to the workspace (HTTP status ${status}). Check the version of the deployment and any proxy in between.`,
  );
}

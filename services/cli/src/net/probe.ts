import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { Socket } from "node:net";
import { FleetError } from "@fleet/base";

/** Timeout of one probe request, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** Phases of one request over a new connection, in milliseconds; skipped ones are absent. */
export type Phases = { dns?: number; tcp?: number; tls?: number; response: number };

export type Probe = { status: number; phases: Phases };

export type ProbeRequest = { url: URL; headers?: Record<string, string>; signal?: AbortSignal };

/**
 * Sends one request over a new connection and times each phase. A protocol upgrade counts as an answer. Throws
 * `unavailable` with a message that says which phase failed and why.
 */
export function probe({ url, headers, signal }: ProbeRequest): Promise<Probe> {
  const started = performance.now();
  const marks: { dns?: number; tcp?: number; tls?: number } = {};
  const since = () => performance.now() - started;
  return new Promise((resolve, reject) => {
    const request = (url.protocol === "https:" ? requestHttps : requestHttp)(url, {
      agent: false,
      headers,
      signal,
    });
    const timer = setTimeout(() => request.destroy(new Error("timeout")), TIMEOUT_MS);
    const fail = (cause: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new FleetError("unavailable", reasonOf(cause, url, marks), { cause }));
    };
    const answered = (status: number, socket: Socket) => {
      clearTimeout(timer);
      const { dns = 0, tcp = dns, tls = tcp } = marks;
      resolve({
        status,
        phases: {
          ...(marks.dns === undefined ? {} : { dns }),
          ...(marks.tcp === undefined ? {} : { tcp: tcp - dns }),
          ...(marks.tls === undefined ? {} : { tls: tls - tcp }),
          response: since() - tls,
        },
      });
      socket.destroy();
    };
    request.once("socket", (socket) => {
      socket.once("lookup", () => {
        marks.dns = since();
      });
      socket.once("connect", () => {
        marks.tcp = since();
      });
      socket.once("secureConnect", () => {
        marks.tls = since();
      });
    });
    request.once("response", (response) => answered(response.statusCode ?? 0, response.socket));
    request.once("upgrade", (response, socket) => answered(response.statusCode ?? 0, socket));
    request.on("error", fail);
    request.end();
  });
}

function reasonOf(
  error: NodeJS.ErrnoException,
  { hostname, port, protocol }: URL,
  marks: { dns?: number; tcp?: number; tls?: number },
): string {
  const address = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  switch (error.code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `DNS lookup of ${hostname} failed. Check the name, the DNS servers and the VPN.`;
    case "ECONNREFUSED":
      return `Connection to ${address} was refused: nothing is listening there.`;
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `No route to ${address}. Check the network and the VPN.`;
    case "EPROTO":
      return `${address} does not speak TLS. Check whether the URL should begin with http://.`;
    case "ECONNRESET":
    case "EPIPE":
      return marks.tls === undefined && protocol === "https:" && marks.tcp !== undefined
        ? `The TLS handshake with ${address} was cut off. A proxy or firewall may block it, or the port does not serve TLS.`
        : `The connection to ${address} was reset. A proxy or firewall in between may block it.`;
  }
  if (error.message === "timeout") {
    const phase =
      marks.tcp === undefined
        ? "the TCP connection was not established; a firewall may drop packets"
        : protocol === "https:" && marks.tls === undefined
          ? "the TLS handshake did not complete"
          : "the server did not respond";
    return `${address} timed out after ${TIMEOUT_MS / 1000} seconds: ${phase}.`;
  }
  if (/certificate|CERT|TLS|SSL/.test(`${error.code} ${error.message}`)) {
    return `The TLS certificate of ${address} is not trusted: ${error.message}. Add its certificate authority to this machine, or set SSL_CERT_FILE.`;
  }
  return `Could not connect to ${address}: ${error.message}.`;
}

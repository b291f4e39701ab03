import { isFleetError } from "@fleet/base";
import { isTunnelClosed } from "@fleet/tunnel";
import { UnaskedAnswer, UnknownCoding } from "../http/forward.js";
import type { Page } from "../http/pages.js";
import { LIMITS } from "../limits.js";
import { AgentNotConnected } from "../tunnel/dial.js";
import type { RequestedApp } from "./address.js";

/** Why an authorized request got no response from its app; shown on the page and in `X-Coder-Error`. */
export type AppFault =
  | "agent_not_connected"
  | "agent_timeout"
  | "app_closed_connection"
  | "app_invalid_response"
  | "app_not_listening"
  | "app_response_head_too_large"
  | "app_speaks_http"
  | "app_speaks_http1"
  | "app_speaks_http2"
  | "app_speaks_https"
  | "app_unexpected_status"
  | "app_unreachable"
  | "too_many_connections";

type Fault = { code: AppFault; parserSays?: string; status?: number };

/** Error codes of node:http for bytes that are not an HTTP/1.1 response. */
type ParseError = Error & { code?: string; reason?: string; rawPacket?: Buffer };

const RETRY_SECONDS = 5;

/** Classifies an error. Every error has a code. */
export function faultOf(error: unknown): Fault {
  if (error instanceof AgentNotConnected || isTunnelClosed(error)) return { code: "agent_not_connected" };
  if (error instanceof UnknownCoding)
    return { code: "app_invalid_response", parserSays: "unsupported Transfer-Encoding" };
  if (error instanceof UnaskedAnswer) return { code: "app_unexpected_status", status: error.status };
  if (isFleetError(error, "resource_exhausted")) return { code: "too_many_connections" };
  if (isFleetError(error, "deadline_exceeded")) return { code: "agent_timeout" };
  if (isFleetError(error, "permission_denied", "invalid_argument", "unimplemented"))
    return { code: "app_unreachable" };
  // The agent's connection to the app was lost after it had been established.
  if (isFleetError(error, "canceled")) return { code: "app_closed_connection" };
  if (isFleetError(error)) return { code: "app_not_listening" };

  const { code = "", reason, rawPacket } = error as ParseError;
  if (code === "HPE_HEADER_OVERFLOW") return { code: "app_response_head_too_large" };
  if (code.startsWith("HPE_")) {
    if (isTls(rawPacket)) return { code: "app_speaks_https" };
    if (isHttp2(rawPacket)) return { code: "app_speaks_http2" };
    return { code: "app_invalid_response", parserSays: reason };
  }
  if (code.startsWith("ERR_HTTP2_")) return { code: "app_speaks_http1" };
  if (code.startsWith("ERR_SSL_") || code.startsWith("ERR_TLS_") || code === "EPROTO") {
    // OpenSSL's messages for bytes that are not a TLS record; node:tls has no error code for them.
    const noTls = /wrong version number|packet length too long/i.test((error as Error).message);
    return noTls
      ? { code: "app_speaks_http" }
      : { code: "app_invalid_response", parserSays: "the TLS handshake failed" };
  }
  return { code: "app_closed_connection" };
}

/** The error page of an authorized request that got no response from its app. */
export function faultPage(error: unknown, app: RequestedApp, appUrl: string): Page {
  const fault = faultOf(error);
  return { ...describe(fault, error, app, appUrl), code: fault.code };
}

function describe(
  { code, parserSays, status }: Fault,
  error: unknown,
  app: RequestedApp,
  appUrl: string,
): Omit<Page, "code"> {
  const name = app.slugOrPort;
  const workspace = `${app.username}/${app.workspace}`;
  const other = appUrl.startsWith("https:") ? "http:" : "https:";
  switch (code) {
    case "agent_not_connected":
      return {
        status: 502,
        title: "The workspace's agent is not connected",
        message: `${workspace} is not running, is still starting, or has lost its connection. Start it, or wait a moment: this page reloads automatically.`,
        retrySeconds: RETRY_SECONDS,
      };
    case "agent_timeout":
      return {
        status: 504,
        title: "The workspace is not responding",
        message: `The agent of ${workspace} did not answer in time. It may be overloaded. This page reloads automatically.`,
        retrySeconds: RETRY_SECONDS,
      };
    case "too_many_connections":
      return { status: 429, title: "Too many connections", message: (error as Error).message };
    case "app_unreachable":
      return { status: 502, title: `${name} cannot be reached`, message: (error as Error).message };
    case "app_not_listening":
      return {
        status: 502,
        title: `${name} is not listening`,
        message: `Nothing is listening at ${appUrl} in ${workspace}. Start the app there, or check its port. This page reloads automatically.`,
        retrySeconds: RETRY_SECONDS,
      };
    case "app_closed_connection":
      return {
        status: 502,
        title: `${name} closed the connection`,
        message: `The app at ${appUrl} accepted the connection and closed it without a response. Check the app's log. If it expects ${other.slice(0, -1).toUpperCase()}, ${switchScheme(name, other)}.`,
      };
    case "app_speaks_https":
      return {
        status: 502,
        title: `${name} expects HTTPS`,
        message: `The app at ${appUrl} answered a plain HTTP request with TLS. To connect with HTTPS, ${switchScheme(name, "https:")}.`,
      };
    case "app_speaks_http":
      return {
        status: 502,
        title: `${name} does not support HTTPS`,
        message: `The app at ${appUrl} did not answer with TLS. To connect with plain HTTP, ${switchScheme(name, "http:")}.`,
      };
    case "app_speaks_http2":
      return {
        status: 502,
        title: `${name} expects HTTP/2`,
        message: `The app at ${appUrl} answered an HTTP/1.1 request with HTTP/2, like a gRPC server. Connect to it with a gRPC client, or with coder port-forward.`,
      };
    case "app_speaks_http1":
      return {
        status: 502,
        title: `${name} does not support gRPC`,
        message: `The app at ${appUrl} did not answer a gRPC call with HTTP/2. Check that its port serves gRPC.`,
      };
    case "app_response_head_too_large":
      return {
        status: 502,
        title: `${name} sent too many headers`,
        message: `The headers of the app's response exceed ${LIMITS.appHeaderBytes / 1024} KiB. Reduce its headers and cookies.`,
      };
    case "app_unexpected_status":
      return {
        status: 502,
        title: `${name} sent an unexpected status`,
        message: `The app at ${appUrl} answered with status ${status}, which is not a response to this request. Check the app's log.`,
      };
    case "app_invalid_response":
      return {
        status: 502,
        title: `${name} sent an invalid response`,
        message: `The app at ${appUrl} did not answer with valid HTTP${parserSays ? ` (${parserSays})` : ""}. Check the app's log, and that its port serves HTTP.`,
      };
  }
}

/** How to switch to the other scheme: by the port's hostname, or by the app's url. */
function switchScheme(name: string, scheme: string): string {
  if (!/^\d+s?$/.test(name)) return `set the app's url in the template to ${scheme}//`;
  return scheme === "https:" ? `open port ${name}s` : `open port ${name.replace("s", "")}`;
}

/** A TLS record: a handshake, or an alert that a handshake was expected (RFC 8446 §5.1). */
function isTls(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 3;
}

/** A SETTINGS frame of stream 0, with which every HTTP/2 server begins (RFC 9113 §3.4). */
function isHttp2(bytes: Buffer | undefined): boolean {
  return bytes !== undefined && bytes.length >= 9 && bytes[3] === 4 && bytes.readUInt32BE(5) === 0;
}

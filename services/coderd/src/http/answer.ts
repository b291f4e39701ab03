import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Logger, SESSION_COOKIE } from "@fleet/base";
import type { RouteSpec } from "@fleet/sdk";
import type { Request, Response } from "express";
import { toTold } from "../outage.js";
import { findToken } from "./authenticator.js";
import { compress, isCompressible, negotiate } from "./encoding.js";
import { errorResponse } from "./errors.js";
import { requestIdOf } from "./facts.js";
import { failureReport } from "./failure.js";
import { Reply } from "./reply.js";
import { scimFailure } from "./scim-error.js";
import { targetOf } from "./target.js";

/** How long a client may keep sending a body that nobody reads. */
const UNREAD_BODY_MS = 30_000;
/** The app's setting with the URL of its metadata as a protected resource; absent if it is no OAuth2 provider. */
export const RESOURCE_METADATA = "resource metadata";

/**
 * Sends a handler's result: JSON, bytes or text, compressed as the client accepts it; 304 if the client's copy is
 * current. A body of pieces is sent as they come, at the client's pace. If it fails after the first one, the connection
 * is closed, so that what was sent does not look complete.
 */
export async function sendReply(
  route: RouteSpec,
  result: unknown,
  request: Request,
  response: Response,
): Promise<void> {
  const reply = result instanceof Reply ? result : new Reply(result);
  for (const [header, value] of Object.entries(reply.headers)) response.setHeader(header, value);
  response.status(reply.status ?? route.status ?? 200);
  if (isPieces(reply.body)) return sendPieces(reply.body, response);
  const bytes = bytesOf(reply.body, response);
  if (bytes === undefined) {
    response.end();
    return;
  }
  response.setHeader("Vary", "Accept-Encoding");
  if (route.method === "GET" && response.statusCode === 200) {
    // Weak, since it identifies the content in any encoding.
    if (!response.hasHeader("ETag")) response.setHeader("ETag", weakTag(bytes));
    if (request.fresh) {
      response.removeHeader("Content-Type");
      response.status(304).end();
      return;
    }
  }
  const type = String(response.getHeader("Content-Type"));
  const encoding = isCompressible(type, bytes.length)
    ? negotiate(request.headers["accept-encoding"]?.toString())
    : undefined;
  const sent = encoding ? await compress(encoding, bytes) : bytes;
  if (encoding) response.setHeader("Content-Encoding", encoding);
  response.setHeader("Content-Length", sent.length);
  response.end(sent);
}

function isPieces(body: unknown): body is AsyncIterable<string> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

async function sendPieces(pieces: AsyncIterable<string>, response: Response): Promise<void> {
  // The first piece is awaited before the headers are sent, so that its failure gets an error response.
  const iterator = pieces[Symbol.asyncIterator]();
  const first = await iterator.next();
  async function* all() {
    for (let next = first; !next.done; next = await iterator.next()) yield next.value;
  }
  response.setHeader("Cache-Control", "no-store");
  // A client that leaves ends the work, and is no error of the server.
  await pipeline(Readable.from(all()), response).catch((error) => {
    if (!response.destroyed || error?.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
  });
}

function bytesOf(body: unknown, response: Response): Uint8Array | undefined {
  const typed = (type: string) => {
    if (!response.hasHeader("Content-Type")) response.setHeader("Content-Type", type);
  };
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) {
    typed("application/octet-stream");
    return body;
  }
  typed(typeof body === "string" ? "text/plain; charset=utf-8" : "application/json; charset=utf-8");
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function weakTag(bytes: Uint8Array): string {
  return `W/"${createHash("sha1").update(bytes).digest("base64url")}"`;
}

/**
 * Sends an error response. If the headers are already sent, the connection is closed, so that a partial response does
 * not look complete.
 */
export function sendError(error: unknown, request: Request, response: Response, logger: Logger): void {
  const { status, headers, body } = errorResponse(error, requestIdOf(request), logger);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const name of ["ETag", "Content-Encoding", "Content-Length"]) response.removeHeader(name);
  const told = toTold(error);
  const report = scimFailure(request, told, status, body) ?? failureReport(request, told, body);
  if (status === 401) response.setHeader("WWW-Authenticate", bearerChallenge(request));
  response.status(status).set({ ...headers, "Cache-Control": "no-store", ...report?.headers });
  if (report) response.end(report.text);
  else response.json(body);
  endUnread(request);
}

/** RFC 6750 §3, with the address at which clients find out how to get a token (RFC 9728 §5.1). */
function bearerChallenge(request: Request): string {
  const metadata: unknown = request.app.get(RESOURCE_METADATA);
  const invalid = findToken(request, targetOf(request), SESSION_COOKIE) !== undefined;
  return [
    'Bearer realm="coder"',
    ...(invalid ? ['error="invalid_token"'] : []),
    ...(typeof metadata === "string" ? [`resource_metadata="${metadata}"`] : []),
  ].join(", ");
}

/** Limits how long Node drains the rest of a rejected body. */
function endUnread(request: Request): void {
  if (request.complete) return;
  const timer = setTimeout(() => request.socket.destroy(), UNREAD_BODY_MS).unref();
  request.once("close", () => clearTimeout(timer));
}

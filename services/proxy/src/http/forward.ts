import type { ClientRequest, IncomingMessage, InformationEvent, ServerResponse } from "node:http";
import { FleetError } from "@fleet/base";
import { clientGone } from "./answer.js";
import { onceConnected } from "./connected.js";
import { endToEnd, headerText, type RawHeaders } from "./headers.js";
import { legalHeaders, legalReason, legalTrailers, splitLinks } from "./wire.js";

export type ForwardOptions = {
  request: IncomingMessage;
  response: ServerResponse;
  /** Starts the request upstream with these headers. */
  send(headers: RawHeaders): ClientRequest;
  /** The headers for upstream, without hop-by-hop headers. */
  headers: RawHeaders;
  /** The request's body if it was already read; otherwise it is streamed from the client once upstream is connected. */
  body?: Buffer;
  /** Rewrites the response's headers. */
  responseHeaders?(raw: RawHeaders): RawHeaders;
  /**
   * Called when upstream failed to answer, or when the response's head has arrived: resolves when the request should be
   * retried, rejects when the wait was canceled; undefined if the outcome is final.
   */
  again?(upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined;
};

/** Upstream sent an invalid status: 101 without an upgrade request, or another status below 200. */
export class UnaskedAnswer extends FleetError {
  readonly status: number;

  constructor(status: number) {
    super("unavailable", `The server sent the unexpected status ${status}.`);
    this.status = status;
  }
}

/** Upstream used a transfer coding that is not supported; forwarded as plain chunked, the body would be garbage. */
export class UnknownCoding extends FleetError {
  constructor() {
    super("unavailable", "The server used an unsupported Transfer-Encoding. Only chunked is supported.");
  }
}

/** True if the message has a length or is only chunked (RFC 9112 §6.1). */
export function isPlainlyFramed({ "transfer-encoding": coding }: IncomingMessage["headers"]): boolean {
  return coding === undefined || coding.trim().toLowerCase() === "chunked";
}

/** A link that node:http accepts: the target, then parameters whose values contain no space or semicolon. */
const LINK = /^<[^>]*>(?:\s*;\s*[^;"\s=]+(?:=(?:"[^;"\s]*"|[^;"\s]*))?)*$/;

/** Methods for which node:http expects no body; for all others without a body, `Content-Length: 0` is sent. */
const BODYLESS = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Forwards one request upstream and streams its response back, with interim responses (RFC 9110 §15.2) and trailers in
 * both directions. Whatever upstream sends, the client gets a valid response, or the promise rejects and nothing has
 * been sent. Resolves when the response has ended. If the client disconnects, the upstream request is aborted; if
 * upstream aborts its response, the client's connection is closed.
 */
export function forwardRequest(options: ForwardOptions): Promise<void> {
  const { request, response, send, body, responseHeaders = (raw) => raw, again } = options;
  const streamed = body === undefined && hasBody(request);
  const headers = [...options.headers, ...connectionHeaders(request, body)];

  return new Promise((resolve, reject) => {
    let current: ClientRequest | undefined;
    const onClose = () => {
      // An upload that upstream no longer reads, because it has answered, ends as well.
      if (!response.writableFinished || !current?.writableFinished) current?.destroy(clientGone());
      if (response.headersSent) resolve();
      else reject(clientGone());
    };
    response.once("close", onClose);
    if (response.destroyed) return onClose();

    /** Upstream did not answer; the caller sends the error. */
    function fail(error: unknown): void {
      if (response.destroyed) return;
      response.off("close", onClose);
      reject(error);
    }

    function attempt(): void {
      let upstream: ClientRequest;
      try {
        upstream = send(headers);
      } catch (error) {
        fail(error);
        return;
      }
      current = upstream;
      let settled = false;
      /** Settles this attempt once: its response is forwarded, or it failed. */
      function settle(outcome: Error | IncomingMessage): void {
        if (settled || response.destroyed) return;
        settled = true;
        const answer = isAnswer(outcome) ? outcome : undefined;
        if (!answer) request.unpipe(upstream);
        const pause = again?.(upstream, outcome);
        if (pause !== undefined) {
          answer?.resume();
          pause.then(attempt, fail);
        } else if (answer) {
          handOn(answer);
        } else {
          fail(outcome);
        }
      }

      upstream.on("information", (info) => passInformation(request, response, info));
      upstream.on("upgrade", (answer, stream) => {
        stream.destroy();
        settle(new UnaskedAnswer(answer.statusCode ?? 101));
      });
      upstream.on("response", (answer) => {
        // Listeners are added first: a response without an error listener would crash the process.
        answer.on("error", () => {
          if (response.headersSent) response.destroy();
        });
        const status = answer.statusCode ?? 0;
        if (!isPlainlyFramed(answer.headers)) {
          upstream.destroy();
          return settle(new UnknownCoding());
        }
        if (status >= 200 && status <= 999) return settle(answer);
        upstream.destroy();
        settle(new UnaskedAnswer(status));
      });
      upstream.on("error", settle);
      upstream.once("close", () => {
        request.unpipe(upstream);
        settle(new FleetError("unavailable", "The connection was closed before a response was received."));
        // The rest of the client's body is read and discarded, so that the client can read its response.
        if (streamed && response.headersSent) request.resume();
      });

      if (!streamed) upstream.end(body?.length ? body : undefined);
      else sendBody(request, upstream);
    }

    function handOn(answer: IncomingMessage): void {
      const status = answer.statusCode!;
      const raw = legalHeaders(responseHeaders(endToEnd(answer.rawHeaders)));
      if (mayHaveTrailers(request, answer)) {
        for (const name of announced(answer.rawHeaders)) raw.push("Trailer", name);
      }
      // A client that still waits for 100 Continue may send its next request instead of the body.
      if (request.headers.expect !== undefined && !request.complete) response.shouldKeepAlive = false;
      try {
        response.writeHead(status, legalReason(status, answer.statusMessage), raw);
      } catch (error) {
        answer.destroy();
        fail(error);
        return;
      }
      // An event stream may send nothing after its head, so flush it; a body that has arrived goes out with the head.
      setImmediate(() => {
        if (!response.writableEnded && !response.destroyed) response.flushHeaders();
      });
      answer.pipe(response, { end: false });
      answer.once("end", () => {
        if (!answer.complete) return response.destroy();
        const trailers = response.chunkedEncoding ? legalTrailers(answer.rawTrailers) : [];
        if (trailers.length > 0) response.addTrailers(trailers);
        response.end();
      });
    }

    attempt();
  });
}

/** Distinguishes upstream's response from an error. */
export function isAnswer(outcome: Error | IncomingMessage): outcome is IncomingMessage {
  return "statusCode" in outcome;
}

/** True if the request's head announces a body. */
export function hasBody({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Hop-by-hop headers that upstream needs: the body's framing, and `Expect`. */
function connectionHeaders(request: IncomingMessage, body: Buffer | undefined): RawHeaders {
  const raw: RawHeaders = [];
  const { "content-length": length, "transfer-encoding": encoding, trailer, expect } = request.headers;
  if (encoding !== undefined) {
    if (body === undefined) raw.push("Transfer-Encoding", "chunked");
    else raw.push("Content-Length", String(body.length));
  } else if (length === undefined && !BODYLESS.has(request.method ?? "GET")) {
    raw.push("Content-Length", "0");
  }
  if (body === undefined && encoding !== undefined && trailer !== undefined) raw.push("Trailer", trailer);
  if (body === undefined && expect !== undefined && hasBody(request)) raw.push("Expect", "100-continue");
  if (/\btrailers\b/i.test(headerText(request, "te"))) raw.push("TE", "trailers", "Connection", "TE");
  return raw;
}

/**
 * Streams the client's body once upstream is connected: if connecting fails, nothing was read and the request can be
 * retried.
 */
function sendBody(request: IncomingMessage, upstream: ClientRequest): void {
  upstream.flushHeaders();
  onceConnected(upstream, () => {
    if (upstream.destroyed) return;
    request.once("end", () => {
      const trailers = legalTrailers(request.rawTrailers);
      if (trailers.length > 0 && !upstream.destroyed) upstream.addTrailers(trailers);
      upstream.end();
    });
    request.pipe(upstream, { end: false });
  });
}

/** Interim responses to forward: the one that the client expects, and early hints. Others are of no use to it. */
function passInformation(request: IncomingMessage, response: ServerResponse, info: InformationEvent): void {
  if (response.headersSent || response.destroyed) return;
  if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return;
  if (info.statusCode === 100 && request.headers.expect !== undefined) response.writeContinue();
  if (info.statusCode === 102) response.writeProcessing();
  if (info.statusCode !== 103) return;
  const raw = legalHeaders(endToEnd(info.rawHeaders));
  const links: string[] = [];
  for (let at = 0; at < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === "link") links.push(...splitLinks(raw[at + 1]!));
  const link = links.filter((text) => LINK.test(text));
  try {
    if (link.length > 0) response.writeEarlyHints({ link });
  } catch {
    // node:http is stricter than the grammar. Dropping a hint is harmless.
  }
}

/** Trailers need a chunked response: not for HTTP/1.0, and not without a body. */
function mayHaveTrailers(request: IncomingMessage, answer: IncomingMessage): boolean {
  if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return false;
  const bodyless = request.method === "HEAD" || answer.statusCode === 204 || answer.statusCode === 304;
  const { "content-length": length, "transfer-encoding": encoding } = answer.headers;
  return !bodyless && encoding !== undefined && length === undefined;
}

function announced(raw: RawHeaders): string[] {
  const names: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === "trailer") names.push(raw[at + 1]!);
  return names;
}

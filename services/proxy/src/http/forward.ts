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
  /** The headers for upstream, the connection's own left out. */
  headers: RawHeaders;
  /** The request's body where it was read already; undefined: it is read from the client, once, when upstream is connected. */
  body?: Buffer;
  /** Changes the response's headers on their way back. */
  responseHeaders?(raw: RawHeaders): RawHeaders;
  /**
   * Asked when upstream gave no answer, or when its head has come: resolves when the request is to be sent again, and
   * rejects when it no longer is to be; undefined where that is how it stays.
   */
  again?(upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined;
};

/** Upstream answered with something that is no answer to a request: 101 to one that asked for no upgrade, or below 200. */
export class UnaskedAnswer extends FleetError {
  readonly status: number;

  constructor(status: number) {
    super("unavailable", `The server answered with status ${status}, which answers no request.`);
    this.status = status;
  }
}

/** Upstream framed its answer in a way that is not spoken here; passed on as if it were chunked only, it would be garbage. */
export class UnknownCoding extends FleetError {
  constructor() {
    super("unavailable", "The server used a transfer coding other than chunked.");
  }
}

/** True where the message has a length, or is chunked and nothing else (RFC 9112 §6.1). */
export function isPlainlyFramed({ "transfer-encoding": coding }: IncomingMessage["headers"]): boolean {
  return coding === undefined || coding.trim().toLowerCase() === "chunked";
}

/** A link as node:http takes it: the target, then parameters, of which no value holds a space or a semicolon. */
const LINK = /^<[^>]*>(?:\s*;\s*[^;"\s=]+(?:=(?:"[^;"\s]*"|[^;"\s]*))?)*$/;

/** Methods of which node:http does not expect a body; all others are announced as empty where they have none. */
const BODYLESS = new Set(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "TRACE"]);

/**
 * Carries one request upstream and its response back, both streamed, with interim responses (RFC 9110 §15.2) and trailers
 * both ways. Whatever upstream sends, the response is legal, or the promise rejects and nothing has been sent. Resolves
 * when the response has ended. A client that leaves takes the upstream's request with it, and a response that breaks off
 * breaks off at the client too.
 */
export function forwardRequest(options: ForwardOptions): Promise<void> {
  const { request, response, send, body, responseHeaders = (raw) => raw, again } = options;
  const streamed = body === undefined && hasBody(request);
  const headers = [...options.headers, ...connectionHeaders(request, body)];

  return new Promise((resolve, reject) => {
    let current: ClientRequest | undefined;
    const onClose = () => {
      // An upload that nobody reads any more, because its answer is there, ends as well.
      if (!response.writableFinished || !current?.writableFinished) current?.destroy(clientGone());
      if (response.headersSent) resolve();
      else reject(clientGone());
    };
    response.once("close", onClose);
    if (response.destroyed) return onClose();

    /** There is no answer. Whoever called gives one. */
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
      /** What became of this try, once: its answer is handed on, or there is none. */
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
        // Its listeners stand before anything may go wrong: a response without one for errors would end the process.
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
        settle(new FleetError("unavailable", "The connection was closed before there was an answer."));
        // What the client still sends is read and dropped: its answer may be on the way to it.
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
      // A client that still waits to be told to send its body may send another request in its place.
      if (request.headers.expect !== undefined && !request.complete) response.shouldKeepAlive = false;
      try {
        response.writeHead(status, legalReason(status, answer.statusMessage), raw);
      } catch (error) {
        answer.destroy();
        fail(error);
        return;
      }
      // A stream of events may say nothing after its head; a body that is there goes out together with the head.
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

/** Tells upstream's answer from the error that came in its place. */
export function isAnswer(outcome: Error | IncomingMessage): outcome is IncomingMessage {
  return "statusCode" in outcome;
}

/** True when the request's head announces a body. */
export function hasBody({ headers }: Pick<IncomingMessage, "headers">): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** What upstream has to be told of this connection: how the body is framed, and what the client waits for. */
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

/** Streams the client's body once there is a connection: what cannot be connected has read nothing, and may be sent again. */
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

/** Interim responses that the client may be sent: what it waits for, and hints. Others say nothing that it could use. */
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
    // node:http is stricter than the grammar. A hint that is left out changes nothing.
  }
}

/** Trailers need a chunked response: none to HTTP/1.0, none without a body. */
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

import { request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { clientGone } from "../http/answer.js";
import type { RawHeaders } from "../http/headers.js";
import type { AppConnections, AppEndpoint, AppRequestOptions } from "./connections.js";

export type ForwardOptions = {
  request: IncomingMessage;
  response: ServerResponse;
  connections: AppConnections;
  endpoint: AppEndpoint;
  /** Path and query for the app. */
  path: string;
  headers: RawHeaders;
  /** Changes the response's headers on their way back. */
  responseHeaders(raw: RawHeaders): RawHeaders;
};

/** A request that may be sent again when a kept-alive connection turns out to be closed. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);
const BODYLESS = new Set(["GET", "HEAD", "OPTIONS", "DELETE", "TRACE"]);

/**
 * Carries one request to an app and its response back, both streamed. Resolves when the response has ended; rejects
 * when there is none, nothing having been sent to the client. A client that leaves takes the app's request with it, and
 * a response that breaks off breaks off at the client too.
 */
export function forwardRequest(options: ForwardOptions): Promise<void> {
  const { request, response } = options;
  const chunked = request.headers["transfer-encoding"] !== undefined;
  const hasBody = chunked || Number(request.headers["content-length"] ?? 0) > 0;
  const headers = [...options.headers];
  if (chunked) headers.push("Transfer-Encoding", "chunked");
  else if (
    !hasBody &&
    !BODYLESS.has(request.method ?? "") &&
    request.headers["content-length"] === undefined
  ) {
    headers.push("Content-Length", "0");
  }
  const repeatable = !hasBody && REPEATABLE.has(request.method ?? "");

  return new Promise((resolve, reject) => {
    function attempt(last: boolean): void {
      const requestOptions: AppRequestOptions = {
        agent: options.connections,
        endpoint: options.endpoint,
        method: request.method,
        path: options.path,
        headers,
        setHost: false,
      };
      const upstream = httpRequest(requestOptions);
      const onClientClose = () => {
        if (!response.writableFinished) upstream.destroy(clientGone());
      };
      response.once("close", onClientClose);
      upstream.on("error", (error: NodeJS.ErrnoException) => {
        response.off("close", onClientClose);
        if (upstream.reusedSocket && error.code === "ECONNRESET" && !last && !response.headersSent)
          return attempt(true);
        if (response.headersSent) {
          response.destroy();
          return resolve();
        }
        reject(error);
      });
      upstream.on("information", ({ statusCode, rawHeaders }) => {
        if (statusCode === 103 && !response.headersSent) response.writeEarlyHints(linksOf(rawHeaders));
      });
      upstream.on("response", (answer) => {
        try {
          const raw = options.responseHeaders(answer.rawHeaders);
          response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", raw);
        } catch (error) {
          upstream.destroy();
          return reject(error);
        }
        answer.on("error", () => response.destroy());
        response.once("close", resolve);
        answer.pipe(response);
        // A stream of events may say nothing for a while after its head; a body that is there goes out with the head.
        setImmediate(() => {
          if (!response.writableEnded && !response.destroyed) response.flushHeaders();
        });
      });
      if (hasBody) request.pipe(upstream);
      else upstream.end();
    }
    attempt(!repeatable);
  });
}

function linksOf(raw: RawHeaders): { link: string[] } {
  const link: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === "link") link.push(raw[at + 1]!);
  return { link };
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { isFleetError } from "@fleet/base";
import type { Dispatcher } from "undici";
import { clientGone } from "../http/answer.js";
import type { RawHeaders } from "../http/headers.js";
import { AgentNotConnected } from "../tunnel/dial.js";
import type { AppConnections, AppEndpoint } from "./connections.js";

export type ForwardOptions = {
  request: IncomingMessage;
  response: ServerResponse;
  connections: Pick<AppConnections, "dispatcher">;
  endpoint: AppEndpoint;
  /** Path and query for the app. */
  path: string;
  headers: RawHeaders;
  /** Changes the response's headers on their way back. */
  responseHeaders(raw: RawHeaders): RawHeaders;
};

/** Requests that may be sent again when a kept connection turns out to be closed. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Carries one request to an app and its response back, both streamed. Resolves when the response has ended; rejects
 * when there is none, nothing having been sent to the client. A client that leaves takes the app's request with it, and
 * a response that breaks off breaks off at the client too.
 */
export function forwardRequest(options: ForwardOptions): Promise<void> {
  const { request, response, connections, endpoint } = options;
  const hasBody =
    request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
  const repeatable = !hasBody && REPEATABLE.has(request.method ?? "");
  const outgoing: Dispatcher.DispatchOptions = {
    method: request.method as Dispatcher.HttpMethod,
    path: options.path,
    headers: options.headers,
    body: hasBody ? bodyOf(request) : null,
  };

  return new Promise((resolve, reject) => {
    function attempt(last: boolean): void {
      let onClose = () => {};
      connections.dispatcher(endpoint).dispatch(outgoing, {
        onRequestStart(controller) {
          if (response.destroyed) return controller.abort(clientGone());
          onClose = () => {
            if (!response.writableFinished) controller.abort(clientGone());
          };
          response.once("close", onClose);
        },
        onResponseStart(controller, status, _headers, statusMessage) {
          const raw = textOf(controller.rawHeaders as Buffer[]);
          if (status < 200) return passHints(response, status, raw);
          response.writeHead(status, statusMessage, options.responseHeaders(raw));
          response.on("drain", () => controller.resume());
          // A stream of events may say nothing after its head; a body that is there goes out together with the head.
          setImmediate(() => {
            if (!response.writableEnded && !response.destroyed) response.flushHeaders();
          });
        },
        onResponseData(controller, chunk) {
          if (!response.write(chunk)) controller.pause();
        },
        onResponseEnd() {
          response.once("close", resolve);
          response.end();
        },
        onResponseError(_controller, error) {
          response.off("close", onClose);
          if (response.headersSent) {
            response.destroy();
            return resolve();
          }
          // A kept connection may have been closed by the app in the very moment in which it was used again, and the
          // tunnel or the replica on the way may have gone. Who the dialer did not find has been waited for already.
          const final = isFleetError(error) && !isFleetError(error, "unavailable");
          if (!last && !response.destroyed && !final && !(error instanceof AgentNotConnected))
            return attempt(true);
          reject(error);
        },
      });
    }
    attempt(!repeatable);
  });
}

/**
 * The request's body behind a stream of its own: an app that answers before it has read everything has that stream
 * destroyed, and not the client's connection, on which the answer still has to go out.
 */
function bodyOf(request: IncomingMessage): PassThrough {
  const body = new PassThrough();
  request.once("error", (error) => body.destroy(error));
  body.once("close", () => request.resume());
  body.on("error", () => {});
  return request.pipe(body);
}

function textOf(raw: readonly Buffer[]): RawHeaders {
  return raw.map((part) => part.toString("latin1"));
}

function passHints(response: ServerResponse, status: number, raw: RawHeaders): void {
  if (status !== 103 || response.headersSent) return;
  const link: string[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2)
    if (raw[at]!.toLowerCase() === "link") link.push(raw[at + 1]!);
  if (link.length > 0) response.writeEarlyHints({ link });
}

import type { ClientRequest, IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type Answer, answerUpgrade, clientGone, quiet } from "./answer.js";
import { UnaskedAnswer } from "./forward.js";
import { endToEnd, type RawHeaders } from "./headers.js";
import { type SpliceEnd, splice } from "./splice.js";
import { headText } from "./wire.js";

export type UpgradeOptions = {
  request: IncomingMessage;
  socket: Duplex;
  /** Bytes received after the request's head. */
  head: Buffer;
  /** Starts the request upstream with these headers, `Connection` and `Upgrade` included. */
  send(headers: RawHeaders): ClientRequest;
  /** The headers for upstream, without hop-by-hop headers. */
  headers: RawHeaders;
  /** Rewrites the response's headers. */
  responseHeaders?(raw: RawHeaders): RawHeaders;
  /**
   * Called when upstream failed to answer or declined: resolves when the request should be retried, rejects when the
   * wait was canceled; undefined if the outcome is final.
   */
  again?(upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined;
  /** Called with the bytes that the client sends after the 101. */
  onClientData?(chunk: Buffer): void;
  /** The response if upstream cannot be reached. */
  onError(error: Error): Answer;
};

export type UpgradeEnd = SpliceEnd & { status: number };

/**
 * Forwards an Upgrade request of any protocol upstream and, after the 101, relays bytes between the two connections. If
 * upstream declines, its response is forwarded. Resolves when both connections have closed.
 */
export function forwardUpgrade(options: UpgradeOptions): Promise<UpgradeEnd> {
  const { request, socket, head, send, headers, responseHeaders = (raw) => raw, again, onError } = options;
  const protocol = request.headers.upgrade ?? "";
  return new Promise((resolve) => {
    const early = (status: number, error?: Error) => resolve({ status, bytesIn: 0, bytesOut: 0, error });
    let upstreamRequest: ClientRequest;
    const onClientGone = () => {
      upstreamRequest.destroy(clientGone());
      early(499, clientGone());
    };
    socket.on("error", () => {});
    socket.once("close", onClientGone);

    function fail(error: Error): void {
      if (socket.destroyed) return;
      socket.off("close", onClientGone);
      const content = onError(error);
      answerUpgrade(socket, content);
      early(content.status, error);
    }

    function attempt(): void {
      let upstream: ClientRequest;
      try {
        upstream = send([...headers, "Connection", "Upgrade", "Upgrade", protocol]);
      } catch (error) {
        fail(error as Error);
        return;
      }
      let answered = false;
      upstreamRequest = upstream;
      upstream.on("upgrade", (response, stream, streamHead) => {
        socket.off("close", onClientGone);
        const raw = [...responseHeaders(endToEnd(response.rawHeaders)), "Connection", "Upgrade"];
        raw.push("Upgrade", response.headers.upgrade ?? protocol);
        socket.write(headText(101, "Switching Protocols", raw));
        if (head.length > 0) {
          stream.write(head);
          options.onClientData?.(head);
        }
        if (options.onClientData) socket.on("data", options.onClientData);
        if (streamHead.length > 0) socket.write(streamHead);
        quiet(socket);
        quiet(stream);
        void splice(socket, stream).then((end) => resolve({ ...end, status: 101 }));
      });
      upstream.on("response", (response) => {
        answered = true;
        response.on("error", () => {});
        const status = response.statusCode ?? 0;
        if (status < 200 || status > 999) {
          upstream.destroy();
          return fail(new UnaskedAnswer(status));
        }
        const pause = again?.(upstream, response);
        if (pause === undefined) return decline(response);
        response.resume();
        pause.then(attempt, fail);
      });
      upstream.on("error", (error) => {
        if (answered || socket.destroyed) return;
        const pause = again?.(upstream, error);
        if (pause === undefined) fail(error);
        else pause.then(attempt, fail);
      });
      upstream.end();
    }

    /** Forwards upstream's own response. */
    function decline(response: IncomingMessage): void {
      const status = response.statusCode!;
      const raw = [...responseHeaders(endToEnd(response.rawHeaders)), "Connection", "close"];
      socket.write(headText(status, response.statusMessage, raw));
      response.on("error", () => socket.destroy());
      response.pipe(socket);
      response.on("end", () => socket.end(() => socket.destroy()));
      socket.off("close", onClientGone);
      socket.once("close", () => {
        response.destroy();
        early(status);
      });
    }

    attempt();
  });
}

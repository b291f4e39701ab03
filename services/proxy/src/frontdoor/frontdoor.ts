import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { errorMessage, type Logger } from "@fleet/base";
import { context, propagation } from "@opentelemetry/api";
import httpProxy from "http-proxy";
import { type Answer, answer, clientGone, jsonAnswer } from "../http/answer.js";
import { type ClientFacts, forwardedHeaders, isForwardedHeader } from "../http/client-facts.js";
import { endToEnd } from "../http/headers.js";
import { type Pages, wantsPage } from "../http/pages.js";
import { forwardUpgrade, type UpgradeEnd } from "../http/upgrade.js";
import { LIMITS } from "../limits.js";

/** What a client says of its own connection; `endToEnd` does the same where headers are raw. */
const CONNECTION_HEADERS = [
  "connection",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "upgrade",
];
/** What no client may have dropped by naming it in `Connection`. */
const FRAMING = new Set(["content-length", "cookie", "host", "transfer-encoding"]);

export type FrontDoorOptions = {
  /** coderd's HTTP address: `http://coderd:8080`. */
  coderdUrl: URL;
  pages: Pages;
  log: Logger;
};

/** Hands on to coderd whatever is not the proxy's own. */
export type FrontDoor = {
  /** Resolves when the response has ended, whichever way. */
  request(request: IncomingMessage, response: ServerResponse, facts: ClientFacts): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ClientFacts): Promise<UpgradeEnd>;
  close(): void;
};

export function createFrontDoor({ coderdUrl, pages, log }: FrontDoorOptions): FrontDoor {
  const secure = coderdUrl.protocol === "https:";
  const agent = new (secure ? HttpsAgent : Agent)({
    keepAlive: true,
    maxSockets: LIMITS.frontDoorConnections,
    maxFreeSockets: LIMITS.frontDoorIdleConnections,
    // Closes idle connections before coderd does; on one in use, node:http only tells of it.
    timeout: LIMITS.idleConnectionMs,
  });
  const proxy = httpProxy.createProxyServer({ target: coderdUrl.href, agent, xfwd: false });

  proxy.on("proxyReq", (upstream, _request, response) => {
    // http-proxy lets go of upstream only when the request's body breaks off; a client may also leave a response.
    response.once("close", () => {
      if (!response.writableFinished) upstream.destroy(clientGone());
    });
  });
  proxy.on("proxyRes", (upstream, _request, response) => {
    upstream.on("error", () => response.destroy());
    // http-proxy hands on what coderd says of its own connection; here it is the client's that counts.
    delete upstream.headers["keep-alive"];
    upstream.headers.connection = response.shouldKeepAlive ? "keep-alive" : "close";
    // The head goes out when it is there: a stream of events may say nothing for a while.
    setImmediate(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
  });

  function away(request: IncomingMessage, facts: ClientFacts, error: unknown): Answer {
    log.warn("coderd does not answer.", { reason: errorMessage(error), requestId: facts.requestId });
    if (!wantsPage(request)) {
      return jsonAnswer(
        502,
        "The control plane does not answer. Try again in a moment; if it stays so, ask the operator.",
      );
    }
    return pages.render({
      status: 502,
      title: "The control plane does not answer",
      message: "The server behind this address is starting or down. This page tries again by itself.",
      retrySeconds: 3,
      requestId: facts.requestId,
    });
  }

  /** http-proxy and upstream see the client as the proxy does, and nothing that the client says of itself. */
  function rewriteHeaders(request: IncomingMessage, facts: ClientFacts): void {
    const { headers } = request;
    for (const name of Object.keys(headers)) if (isForwardedHeader(name)) delete headers[name];
    const named = (headers.connection ?? "").split(",").map((option) => option.trim().toLowerCase());
    for (const name of [...named, ...CONNECTION_HEADERS]) if (!FRAMING.has(name)) delete headers[name];
    for (const [name, value] of Object.entries(outgoingFacts(facts))) headers[name.toLowerCase()] = value;
  }

  return {
    request(request, response, facts) {
      const bodyless = request.method === "DELETE" || request.method === "OPTIONS";
      if (bodyless && request.headers["transfer-encoding"] !== undefined) {
        // http-proxy announces such a request as empty and sends the body all the same: one request would become two.
        request.resume();
        answer(response, jsonAnswer(411, `Send ${request.method} requests with a Content-Length.`));
        return Promise.resolve();
      }
      rewriteHeaders(request, facts);
      response.setHeader("X-Request-Id", facts.requestId);
      return new Promise((resolve) => {
        response.once("close", resolve);
        proxy.web(request, response, {}, (error) => {
          if (response.destroyed) return;
          request.resume();
          answer(response, away(request, facts, error));
        });
      });
    },
    upgrade(request, socket, head, facts) {
      const send = secure ? httpsRequest : httpRequest;
      return forwardUpgrade({
        request,
        socket,
        head,
        headers: [
          ...endToEnd(request.rawHeaders, isForwardedHeader),
          ...Object.entries(outgoingFacts(facts)).flat(),
        ],
        send: (headers) =>
          send({
            host: coderdUrl.hostname.replace(/^\[|\]$/g, ""),
            port: coderdUrl.port || (secure ? 443 : 80),
            method: request.method,
            path: request.url,
            headers,
            agent: false,
          }),
        onError: (error) => away(request, facts, error),
      });
    },
    close() {
      proxy.close();
      agent.destroy();
    },
  };
}

function outgoingFacts(facts: ClientFacts): Record<string, string> {
  const headers = forwardedHeaders(facts);
  propagation.inject(context.active(), headers);
  return headers;
}

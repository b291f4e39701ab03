import {
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { isIdempotent } from "@fleet/sdk";
import { context, propagation } from "@opentelemetry/api";
import httpProxy from "http-proxy";
import { type Answer, answer, jsonAnswer } from "../http/answer.js";
import { type ClientFacts, forwardedHeaders, isForwardedHeader } from "../http/client-facts.js";
import { endToEnd } from "../http/headers.js";
import { type Pages, wantsPage } from "../http/pages.js";
import { forwardUpgrade, type UpgradeEnd } from "../http/upgrade.js";
import { LIMITS } from "../limits.js";
import { Attempt } from "./attempt.js";
import { createAgents, onceConnected } from "./connect.js";
import { createPatience, type Patience, type RepeatReason, reasonOf, retryAfterMs } from "./patience.js";
import { createBodyKeeper, makeRepeatable } from "./repeatable.js";

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
  clock: Clock;
  log: Logger;
  /** How long coderd may say nothing on a request that it has, milliseconds. */
  silenceMs?: number;
  /** A request is sent once more. */
  onRepeat(reason: RepeatReason): void;
};

/**
 * Hands on to coderd whatever is not the proxy's own. While coderd, or its database, is away for a moment, it waits and
 * sends again what may be sent again (ADR 7): a request that means the same however often it is carried out, and any
 * request of which nothing was sent yet.
 */
export type FrontDoor = {
  /** Resolves when the response has ended, whichever way. */
  request(request: IncomingMessage, response: ServerResponse, facts: ClientFacts): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ClientFacts): Promise<UpgradeEnd>;
  close(): void;
};

export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { coderdUrl, pages, clock, log, onRepeat, silenceMs = LIMITS.coderdSilenceMs } = options;
  const secure = coderdUrl.protocol === "https:";
  const agents = createAgents(secure);
  const bodies = createBodyKeeper();
  const closing = new AbortController();
  const proxy = httpProxy.createProxyServer({ target: coderdUrl.href, xfwd: false });

  proxy.on("proxyReq", (upstream, attempt, _response, own) =>
    (attempt as unknown as Attempt).begun(upstream, own),
  );
  proxy.on("proxyRes", (upstream, attempt, response) => {
    if (!(attempt as unknown as Attempt).answered(upstream)) return;
    upstream.on("error", () => response.destroy());
    // http-proxy hands on what coderd says of its own connection; here it is the client's that counts.
    delete upstream.headers["keep-alive"];
    upstream.headers.connection = response.shouldKeepAlive ? "keep-alive" : "close";
    // The head goes out when it is there: a stream of events may say nothing for a while.
    setImmediate(() => {
      if (!response.headersSent && !response.destroyed) response.flushHeaders();
    });
  });

  /** Carries the request to coderd, over as many tries as it takes and may take. */
  function carry(
    request: IncomingMessage,
    response: ServerResponse,
    facts: ClientFacts,
    patience: Patience,
    body: Buffer | undefined,
  ): void {
    const repeatable = body !== undefined;
    let pause: Promise<void> | undefined;
    const attempt = new Attempt({
      request,
      response,
      body,
      declines(upstream) {
        const afterMs = retryAfterMs(upstream);
        if (repeatable && afterMs !== undefined) pause = patience.again("unavailable", afterMs);
        return pause !== undefined;
      },
      onFailed(error) {
        const reason = reasonOf(error, attempt.connected);
        if (reason && (repeatable || reason === "refused")) pause ??= patience.again(reason);
        const giveUp = () => {
          if (response.destroyed) return;
          request.resume();
          answer(response, away(request, facts, error));
        };
        if (pause !== undefined) pause.then(() => carry(request, response, facts, patience, body), giveUp);
        else giveUp();
      },
    });
    // Only over a connection of its own is it known that nothing was sent.
    const agent = repeatable ? agents.kept : agents.fresh;
    proxy.web(
      attempt as unknown as IncomingMessage,
      response,
      { agent, buffer: attempt.body, proxyTimeout: silenceMs },
      (error) => attempt.failed(error),
    );
  }

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
    async request(request, response, facts) {
      const bodyless = request.method === "DELETE" || request.method === "OPTIONS";
      if (bodyless && request.headers["transfer-encoding"] !== undefined) {
        // http-proxy announces such a request as empty and sends the body all the same: one request would become two.
        request.resume();
        answer(response, jsonAnswer(411, `Send ${request.method} requests with a Content-Length.`));
        return;
      }
      rewriteHeaders(request, facts);
      response.setHeader("X-Request-Id", facts.requestId);
      const patience = createPatience({ clock, client: response, closing: closing.signal, onRepeat });
      const closed = new Promise<void>((resolve) => {
        response.once("close", resolve);
      });
      let body: Buffer | undefined;
      try {
        if (makeRepeatable(request)) body = await bodies.keep(request);
      } catch {
        response.destroy(); // The upload broke off.
      }
      if (!response.destroyed) carry(request, response, facts, patience, body);
      await closed;
      if (body) bodies.release(body);
    },
    upgrade(request, socket, head, facts) {
      const send = secure ? httpsRequest : httpRequest;
      const patience = createPatience({ clock, client: socket, closing: closing.signal, onRepeat });
      const repeatable = isIdempotent(request.method ?? "GET");
      const connected = new WeakSet<ClientRequest>();
      return forwardUpgrade({
        request,
        socket,
        head,
        headers: [
          ...endToEnd(request.rawHeaders, isForwardedHeader),
          ...Object.entries(outgoingFacts(facts)).flat(),
        ],
        send(headers) {
          const upstream = send({
            host: coderdUrl.hostname.replace(/^\[|\]$/g, ""),
            port: coderdUrl.port || (secure ? 443 : 80),
            method: request.method,
            path: request.url,
            headers,
            agent: agents.fresh,
          });
          onceConnected(upstream, () => connected.add(upstream));
          upstream.setTimeout(silenceMs, () => upstream.destroy(new Error("coderd does not answer")));
          return upstream;
        },
        again(upstream, outcome) {
          if ("message" in outcome) {
            const reason = reasonOf(outcome, connected.has(upstream));
            return reason && (repeatable || reason === "refused") ? patience.again(reason) : undefined;
          }
          const afterMs = retryAfterMs(outcome);
          return repeatable && afterMs !== undefined ? patience.again("unavailable", afterMs) : undefined;
        },
        onError: (error) => away(request, facts, error),
      });
    },
    close() {
      closing.abort();
      proxy.close();
      agents.close();
    },
  };
}

function outgoingFacts(facts: ClientFacts): Record<string, string> {
  const headers = forwardedHeaders(facts);
  propagation.inject(context.active(), headers);
  return headers;
}

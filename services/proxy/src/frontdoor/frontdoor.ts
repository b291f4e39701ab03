import {
  type Agent,
  type ClientRequest,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { request as httpsRequest } from "node:https";
import type { Duplex } from "node:stream";
import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { IDEMPOTENCY_KEY_HEADER, isIdempotent } from "@fleet/sdk";
import { context, propagation } from "@opentelemetry/api";
import { type Answer, answer, jsonAnswer } from "../http/answer.js";
import { type ClientFacts, forwardedHeaders, isForwardedHeader } from "../http/client-facts.js";
import { onceConnected } from "../http/connected.js";
import { forwardRequest, isAnswer } from "../http/forward.js";
import { endToEnd, type RawHeaders } from "../http/headers.js";
import { ERROR_HEADER, type Pages, wantsPage } from "../http/pages.js";
import { forwardUpgrade, type UpgradeEnd } from "../http/upgrade.js";
import { LIMITS } from "../limits.js";
import { createAgents } from "./connect.js";
import { createPatience, type Patience, type RepeatReason, reasonOf, retryAfterMs } from "./patience.js";
import { createBodyKeeper, repeatKeyOf } from "./repeatable.js";

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

  /** Starts a request to coderd, over this agent's connection. It is cut when coderd says nothing for too long. */
  function start(request: IncomingMessage, headers: RawHeaders, agent: Agent): ClientRequest {
    const upstream = (secure ? httpsRequest : httpRequest)({
      host: coderdUrl.hostname.replace(/^\[|\]$/g, ""),
      port: coderdUrl.port || (secure ? 443 : 80),
      method: request.method,
      path: request.url,
      headers,
      agent,
    });
    upstream.setTimeout(silenceMs, () => upstream.destroy(new Error("coderd does not answer")));
    return upstream;
  }

  /** What makes another try: coderd away, or its word that it could not. Not repeatable is what it may have acted upon. */
  function createAgain(patience: Patience, repeatable: boolean) {
    const connected = new WeakSet<ClientRequest>();
    return {
      watch(upstream: ClientRequest): ClientRequest {
        onceConnected(upstream, () => connected.add(upstream));
        return upstream;
      },
      again(upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined {
        if (!isAnswer(outcome)) {
          const reason = reasonOf(outcome, connected.has(upstream));
          return reason && (repeatable || reason === "refused") ? patience.again(reason) : undefined;
        }
        const afterMs = retryAfterMs(outcome);
        return repeatable && afterMs !== undefined ? patience.again("unavailable", afterMs) : undefined;
      },
    };
  }

  function away(request: IncomingMessage, facts: ClientFacts, error: unknown): Answer {
    log.warn("coderd does not answer.", { reason: errorMessage(error), requestId: facts.requestId });
    if (!wantsPage(request)) {
      return jsonAnswer(
        502,
        "The control plane does not answer. Try again in a moment. If this continues, contact the administrator.",
        { [ERROR_HEADER]: "control_plane_unavailable" },
      );
    }
    return pages.render({
      status: 502,
      title: "The control plane does not answer",
      message: "The server behind this address is starting or down. This page reloads automatically.",
      code: "control_plane_unavailable",
      retrySeconds: 3,
      requestId: facts.requestId,
    });
  }

  function headersFor(request: IncomingMessage, facts: ClientFacts): RawHeaders {
    const kept = endToEnd(request.rawHeaders, isForwardedHeader);
    return [...kept, ...Object.entries(outgoingFacts(facts)).flat()];
  }

  return {
    async request(request, response, facts) {
      const headers = headersFor(request, facts);
      const patience = createPatience({ clock, client: response, closing: closing.signal, onRepeat });
      const key = repeatKeyOf(request);
      let body: Buffer | undefined;
      if (key !== undefined) {
        // Whether coderd wants the body cannot be asked: it has to be here before the request is sent.
        if (request.headers.expect !== undefined && request.httpVersion !== "1.0") response.writeContinue();
        try {
          body = await bodies.keep(request);
        } catch {
          response.destroy(); // The upload broke off.
          return;
        }
      }
      const repeatable = body !== undefined;
      if (repeatable && key) headers.push(IDEMPOTENCY_KEY_HEADER, key);
      const { watch, again } = createAgain(patience, repeatable);
      try {
        await forwardRequest({
          request,
          response,
          headers,
          body,
          // Only over a connection of its own is it known that nothing was sent.
          send: (all) => watch(start(request, all, repeatable ? agents.kept : agents.fresh)),
          responseHeaders: (raw) => withRequestId(raw, facts),
          again,
        });
      } catch (error) {
        if (response.destroyed) return;
        request.resume();
        answer(response, away(request, facts, error));
      } finally {
        if (body) bodies.release(body);
      }
    },
    upgrade(request, socket, head, facts) {
      const patience = createPatience({ clock, client: socket, closing: closing.signal, onRepeat });
      const { watch, again } = createAgain(patience, isIdempotent(request.method ?? "GET"));
      return forwardUpgrade({
        request,
        socket,
        head,
        headers: headersFor(request, facts),
        send: (headers) => watch(start(request, headers, agents.fresh)),
        responseHeaders: (raw) => withRequestId(raw, facts),
        again,
        onError: (error) => away(request, facts, error),
      });
    },
    close() {
      closing.abort();
      agents.close();
    },
  };
}

/** The id by which the request is found in the logs, in place of whatever coderd says of it. */
function withRequestId(raw: RawHeaders, facts: ClientFacts): RawHeaders {
  return [...endToEnd(raw, (name) => name === "x-request-id"), "X-Request-Id", facts.requestId];
}

function outgoingFacts(facts: ClientFacts): Record<string, string> {
  const headers = forwardedHeaders(facts);
  propagation.inject(context.active(), headers);
  return headers;
}

import {
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
import { createSend } from "./send.js";

export type FrontDoorOptions = {
  /** coderd's HTTP address: `http://coderd:8080`. */
  coderdUrl: URL;
  pages: Pages;
  clock: Clock;
  log: Logger;
  /** How long coderd may send nothing on a request, in milliseconds. */
  silenceMs?: number;
  /** Called when a request is retried. */
  onRepeat(reason: RepeatReason): void;
};

/**
 * Forwards to coderd everything that the proxy does not handle itself. While coderd or its database is unavailable, it
 * waits and retries what is safe to retry (ADR 7): idempotent requests, and requests of which nothing was sent yet.
 */
export type FrontDoor = {
  /** Resolves when the response has ended, successfully or not. */
  request(request: IncomingMessage, response: ServerResponse, facts: ClientFacts): Promise<void>;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, facts: ClientFacts): Promise<UpgradeEnd>;
  close(): void;
};

export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { coderdUrl, pages, clock, log, onRepeat, silenceMs = LIMITS.coderdSilenceMs } = options;
  const secure = coderdUrl.protocol === "https:";
  const target = {
    protocol: coderdUrl.protocol,
    host: coderdUrl.hostname.replace(/^\[|\]$/g, ""),
    port: coderdUrl.port || (secure ? "443" : "80"),
  };
  const agents = createAgents(secure);
  const send = createSend(target);
  const bodies = createBodyKeeper();
  const closing = new AbortController();

  /** Starts an upgrade request to coderd on a dedicated connection. */
  function sendUpgrade(request: IncomingMessage, headers: RawHeaders): ClientRequest {
    const start = secure ? httpsRequest : httpRequest;
    return start({ ...target, method: request.method, path: request.url, headers, agent: agents.fresh });
  }

  /**
   * Decides about a retry: coderd is unreachable or answered 503. A request that may have had an effect is not retried.
   */
  function createAgain(patience: Patience, repeatable: boolean) {
    const connected = new WeakSet<ClientRequest>();
    return {
      /** The request is aborted if coderd sends nothing for too long. */
      watch(upstream: ClientRequest): ClientRequest {
        upstream.setTimeout(silenceMs, () => upstream.destroy(new Error("Timed out waiting for coderd")));
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
    log.warn("coderd is not responding.", { reason: errorMessage(error), requestId: facts.requestId });
    if (!wantsPage(request)) {
      return jsonAnswer(
        502,
        "The control plane is unavailable. Try again in a moment. If this continues, contact the administrator.",
        { [ERROR_HEADER]: "control_plane_unavailable" },
      );
    }
    return pages.render({
      status: 502,
      title: "The control plane is unavailable",
      message: "The server is starting or unavailable. This page reloads automatically.",
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
        // The body is read before the request is sent, so coderd cannot be asked whether it wants it.
        if (request.headers.expect !== undefined && request.httpVersion !== "1.0") response.writeContinue();
        try {
          body = await bodies.keep(request);
        } catch {
          response.destroy(); // The upload was aborted.
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
          // Only a dedicated connection shows that nothing was sent.
          send: (all) => watch(send(request, response, all, repeatable ? agents.kept : agents.fresh)),
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
        send: (headers) => watch(sendUpgrade(request, headers)),
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

/** Replaces coderd's request id with the one in the proxy's logs. */
function withRequestId(raw: RawHeaders, facts: ClientFacts): RawHeaders {
  return [...endToEnd(raw, (name) => name === "x-request-id"), "X-Request-Id", facts.requestId];
}

function outgoingFacts(facts: ClientFacts): Record<string, string> {
  const headers = forwardedHeaders(facts);
  propagation.inject(context.active(), headers);
  return headers;
}

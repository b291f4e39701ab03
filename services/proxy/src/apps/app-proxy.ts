import type { ClientRequest, IncomingMessage, ServerResponse } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { isTunnelClosed } from "@fleet/tunnel";
import { type ConnectionLog, userAgentOf } from "../connections/log.js";
import { type Answer, answer, answerUpgrade } from "../http/answer.js";
import type { ClientFacts } from "../http/client-facts.js";
import { forwardRequest, hasBody, isAnswer } from "../http/forward.js";
import { answerCall, forwardCall } from "../http/grpc.js";
import type { RawHeaders } from "../http/headers.js";
import type { Page, Pages } from "../http/pages.js";
import { forwardUpgrade } from "../http/upgrade.js";
import type { StreamGrants } from "../session/grants.js";
import type { LiveStreams } from "../streams.js";
import { AgentNotConnected } from "../tunnel/dial.js";
import type { RequestedApp } from "./address.js";
import { type Admission, type AdmissionOptions, createAdmission } from "./admission.js";
import { requestHeaders, responseHeaders } from "./app-headers.js";
import type { AppConnections } from "./connections.js";
import { allowOrigin, crossOriginOf, isPreflight, preflightHeaders } from "./cross-origin.js";
import { faultPage } from "./faults.js";
import type { Grant } from "./gatekeeper.js";
import { isInput } from "./intent.js";
import { signInPage } from "./refusals.js";
import { createSocketInput } from "./socket-input.js";
import type { AppStats, AppUse } from "./stats.js";

export type AppProxyOptions = AdmissionOptions & {
  connections: AppConnections;
  streams: LiveStreams;
  grants: Pick<StreamGrants, "hold">;
  stats: AppStats;
  connectionLog: Pick<ConnectionLog, "visit">;
  pages: Pages;
};

/** The outcome of a request, for its log line and metrics. */
export type AppEnd = {
  target?: Grant["target"];
  /** Set if the connection was upgraded. */
  status?: number;
  bytesIn?: number;
  bytesOut?: number;
  error?: Error;
};

/** Answers requests to the apps of workspaces. */
export type AppProxy = {
  request(
    request: IncomingMessage,
    response: ServerResponse,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
  upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
  /** A gRPC call. */
  call(
    request: IncomingMessage,
    stream: ServerHttp2Stream,
    app: RequestedApp,
    facts: ClientFacts,
  ): Promise<AppEnd>;
};

export function createAppProxy(options: AppProxyOptions): AppProxy {
  const { connections, streams, grants, stats, connectionLog, pages, hosts } = options;
  const admit = createAdmission(options);

  function refuse(
    request: IncomingMessage,
    app: RequestedApp,
    admission: Admission & { admitted: false },
    facts: ClientFacts,
  ): Answer {
    if ("page" in admission) return pageFor(request, app, admission.page, facts);
    const headers = { Location: admission.redirect, ...admission.headers };
    return { status: 303, contentType: "text/plain; charset=utf-8", body: "", headers };
  }

  /** An error page of the proxy. Other apps of the same user may read it, so that they can report what went wrong. */
  function pageFor(request: IncomingMessage, app: RequestedApp, page: Page, facts: ClientFacts): Answer {
    const content = pages.answerTo(request, { ...page, requestId: facts.requestId });
    if (crossOriginOf(request, app, hosts) !== "same-user") return content;
    return {
      ...content,
      headers: { ...content.headers, ...Object.fromEntries(pairs(allowOrigin(request))) },
    };
  }

  /** Counts the use of the app, and logs it. */
  function begin(request: IncomingMessage, app: RequestedApp, target: Grant["target"], facts: ClientFacts) {
    const { agentId, workspaceId, userId, slugOrPort } = target;
    const counted = stats.begin(app, target);
    const logged = connectionLog.visit({
      type: PORT.test(slugOrPort) ? "port_forwarding" : "workspace_app",
      ...{ agentId, workspaceId, userId, slugOrPort, ip: facts.address, userAgent: userAgentOf(request) },
    });
    if (isInput(request)) counted.input();
    return {
      input: counted.input,
      end() {
        counted.end();
        logged();
      },
    };
  }

  return {
    async request(request, response, app, facts) {
      const admission = await admit(request, app, facts);
      if (response.destroyed) return {};
      const asksTheApp = admission.admitted && admission.grant.target.corsPassthru;
      if (!asksTheApp && isPreflight(request) && crossOriginOf(request, app, hosts) === "same-user") {
        response.writeHead(204, preflightHeaders(request)).end();
        return {};
      }
      if (!admission.admitted) {
        request.resume();
        answer(response, refuse(request, app, admission, facts));
        return {};
      }
      const { grant, path, added } = admission;
      const { target } = grant;
      const { endpoint, url: appUrl } = target;
      const use = begin(request, app, target, facts);
      // A response, such as a download or an event stream, may last for hours.
      const release = grants.hold(target.grant, grant.issuedAtMs, () => response.destroy());
      try {
        await forwardRequest({
          request,
          response,
          headers: requestHeaders(request.rawHeaders, facts),
          send: (headers) =>
            connections.request(endpoint, { method: request.method ?? "GET", path, headers }),
          responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, added),
          again: createRetry(request),
        });
        return { target };
      } catch (error) {
        if (!response.destroyed) {
          request.resume();
          const page = faultPage(error, app, appUrl.origin);
          answer(response, pageFor(request, app, page, facts));
        }
        return { target, error: error as Error };
      } finally {
        release();
        use.end();
      }
    },

    async upgrade(request, socket, head, app, facts) {
      socket.on("error", () => {});
      const admission = await admit(request, app, facts);
      if (!admission.admitted) {
        const content = refuse(request, app, admission, facts);
        answerUpgrade(socket, content);
        return { status: content.status };
      }
      const { grant, path, added } = admission;
      const { target } = grant;
      const { endpoint, url: appUrl } = target;
      const live = { kind: "app" as const, ...target, decidedAtMs: grant.issuedAtMs };
      let release: () => void;
      try {
        release = streams.add(live, () => socket.destroy());
      } catch (error) {
        const content = pageFor(request, app, faultPage(error, app, appUrl.origin), facts);
        answerUpgrade(socket, content);
        return { target, status: content.status, error: error as Error };
      }
      const use = begin(request, app, target, facts);
      const end = await forwardUpgrade({
        request,
        socket,
        head,
        send: (headers) =>
          connections.requestAlone(endpoint, { method: request.method ?? "GET", path, headers }),
        headers: requestHeaders(request.rawHeaders, facts),
        responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, added),
        onClientData: inputOf(request, use),
        onError: (error) => pageFor(request, app, faultPage(error, app, appUrl.origin), facts),
      });
      release();
      use.end();
      return { target, ...end };
    },

    async call(request, stream, app, facts) {
      const admission = await admit(request, app, facts);
      if (stream.closed) return {};
      if (!admission.admitted) {
        const page = "page" in admission ? admission.page : signInPage(admission.redirect);
        answerCall(stream, page);
        return { status: page.status };
      }
      const { grant, path } = admission;
      const { target } = grant;
      const use = begin(request, app, target, facts);
      let release = () => {};
      try {
        const live = { kind: "app" as const, ...target, decidedAtMs: grant.issuedAtMs };
        release = streams.add(live, () => stream.close());
        await forwardCall({
          stream,
          connection: await connections.dial(target.endpoint, "h2"),
          authority: facts.host,
          path,
          headers: requestHeaders(request.rawHeaders, facts),
          responseHeaders: (raw) => responseHeaders(raw, app, target.corsPassthru, []),
        });
        return { target, status: 200 };
      } catch (error) {
        const page = faultPage(error, app, target.url.origin);
        answerCall(stream, page);
        return { target, status: page.status, error: error as Error };
      } finally {
        release();
        use.end();
      }
    },
  };
}

/** What tells of input on an upgraded connection; of other protocols than WebSocket, everything is input. */
function inputOf(request: IncomingMessage, { input }: AppUse): (chunk: Buffer) => void {
  if (request.headers.upgrade?.toLowerCase() !== "websocket") return () => input();
  return createSocketInput(input, () => performance.now());
}

/** An app that is a port: `8080`, or `8443s` for HTTPS. */
const PORT = /^\d+s?$/;

/** Methods that may be retried when a pooled connection turns out to be closed. */
const REPEATABLE = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * The app may close a pooled connection at the moment it is reused, and the tunnel or the replica on the path may be
 * lost: such a request is retried once. If the dialer did not find the agent, it has already waited for it.
 */
function createRetry(request: IncomingMessage) {
  let left = !hasBody(request) && REPEATABLE.has(request.method ?? "") ? 1 : 0;
  return (upstream: ClientRequest, outcome: Error | IncomingMessage): Promise<void> | undefined => {
    if (left === 0 || isAnswer(outcome) || outcome instanceof AgentNotConnected) return undefined;
    if (!upstream.reusedSocket && !isTunnelClosed(outcome)) return undefined;
    left -= 1;
    return Promise.resolve();
  };
}

function pairs(raw: RawHeaders): [string, string][] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1]!] as [string, string]] : []));
}

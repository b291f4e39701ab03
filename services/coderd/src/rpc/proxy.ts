import { abortable, type Clock, createCache, errorMessage, FleetError, type Logger } from "@fleet/base";
import { addService, type CallContext, type Handlers, type ServerStream } from "@fleet/proto-gen";
import { ProxyService, type SessionRequest, type SessionRequest_Register } from "@fleet/proto-gen/proxy";
import type * as grpc from "@grpc/grpc-js";
import type { Agents } from "../agents/service.js";
import type { ApiKeys } from "../apikeys/service.js";
import type { Apps } from "../apps/service.js";
import type { Terminals } from "../apps/terminal.js";
import { sshKeyPair } from "../auth/sshkeys.js";
import type { ConnectionLog } from "../connectionlog/service.js";
import { toAgentStreamGrant, toAppDecision } from "../convert/apps.js";
import { toConnectionReport } from "../convert/connectionlog.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { StreamGrants } from "../grants/service.js";
import {
  ANNOUNCE_INTERVAL_MS,
  ROUTE_CHANGED_CHANNEL,
  ROUTE_WANTED_CHANNEL,
  type Routes,
} from "../proxies/routes.js";
import type { Proxies, ProxyIdentity } from "../proxies/service.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { SshAccess } from "../sshaccess/service.js";
import type { Wake } from "../workspaces/wake.js";
import type { RpcObserver } from "./observe.js";
import { createGrantChecker, methodOf } from "./proxy-grants.js";
import { createSshHandlers } from "./proxy-ssh.js";

export type ProxyRpcOptions = {
  sshAccess: SshAccess;
  agents: Agents;
  apiKeys: ApiKeys;
  apps: Apps;
  terminals: Terminals;
  wake: Wake;
  proxies: Proxies;
  routes: Routes;
  cryptoKeys: CryptoKeys;
  pubsub: Pubsub;
  grants: StreamGrants;
  connectionLog: ConnectionLog;
  clock: Clock;
  logger: Logger;
  observe: RpcObserver;
  accessUrl: string;
  wildcardHostname: string;
  pathApps: boolean;
  /** True while this coderd shuts down: connections that end then reconnect to another replica. */
  stopping(): boolean;
};

const TOKEN = "coder-proxy-token";
const SIGNED_OUT = "You are signed out. Sign in again, then reload this page.";
const HEARTBEAT_MS = 10_000;
/** How long a proxy's token is cached. A revoked token is dropped immediately. */
const IDENTITY_CACHE_MS = 10_000;
const IDENTITY_CACHE_SIZE = 1_000;

type Session = ServerStream<SessionRequest, Parameters<ServerStream<never, SessionMessage>["send"]>[0]>;
type SessionMessage = Parameters<
  Parameters<Handlers<(typeof ProxyService)["method"]>["session"]>[0]["send"]
>[0];

/** Serves coder.proxy.v1. */
export function serveProxies(server: Pick<grpc.Server, "addService">, options: ProxyRpcOptions): void {
  const { agents, apps, routes } = options;
  const identify = cachedIdentities(options);
  const checkGrants = createGrantChecker({ ...options, sshKeys: options.sshAccess.keys });

  const handlers: Handlers<(typeof ProxyService)["method"]> = {
    async session(stream) {
      const decidedAtMs = options.grants.now();
      const proxy = await options.proxies.authenticate(tokenOf(stream));
      const revoked = new AbortController();
      using _held = holdSession(proxy, stream, decidedAtMs, revoked, options);
      const messages = untilAborted(stream[Symbol.asyncIterator](), revoked.signal);
      const first = await messages.next();
      if (first.done) return;
      if (first.value.message.case !== "register") {
        throw new FleetError("invalid_argument", "The first message of a session must be Register.");
      }
      await runSession(stream as Session, messages, proxy, first.value.message.value, options);
    },

    async authenticateAgent(request, context) {
      await identify(context);
      const { agentId, workspaceId } = await agents.authenticate(request.agentToken);
      return { agentId, workspaceId };
    },

    async lookupRoute(request, context) {
      await identify(context);
      const [found, agentExpected] = await Promise.all([
        routes.lookup(request.agentId, context.signal),
        agents.isExpected(request.agentId),
      ]);
      return { routes: found, agentExpected };
    },

    async authorizeApp(request, context) {
      await identify(context);
      const method = methodOf(request.accessMethod);
      if (!method) throw new FleetError("invalid_argument", "The access method is missing.");
      const decision = await apps.authorize({
        method,
        username: request.usernameOrId,
        workspace: request.workspaceNameOrId,
        agent: request.agentNameOrId,
        slugOrPort: request.appSlugOrPort,
        sessionToken: request.sessionToken,
        url: request.requestUrl,
      });
      return toAppDecision(decision, request.accessMethod);
    },

    async wakeWorkspace(request, context) {
      await identify(context);
      const actor = await apps.actorOf(request.sessionToken);
      const refusal = actor.kind === "user" ? await options.wake(actor, request.workspaceId) : SIGNED_OUT;
      return { refusal };
    },

    async authorizeAgent(request, context) {
      await identify(context);
      const { sessionToken, signedAppToken, agentId, kind } = request;
      const actor =
        sessionToken === "" && signedAppToken !== "" && kind === "pty"
          ? await options.terminals.admit(signedAppToken, agentId)
          : await options.apiKeys.authenticate({ token: sessionToken, via: "header" });
      const access = await agents.access(actor, "ssh", request.agentId);
      return {
        agentId: access.agentId,
        workspaceId: access.workspaceId,
        userId: actor.userId,
        username: actor.username,
        grant: toAgentStreamGrant(actor, access),
      };
    },

    async checkGrants(request, context) {
      await identify(context);
      return { grants: await checkGrants(request.grants) };
    },

    async exchangeAppKey(request, context) {
      await identify(context);
      const token = await options.cryptoKeys.decryptAppKey(request.encryptedKey, request.hostname);
      const { expiresAt } = await options.apiKeys.claimAppSession(token);
      return { sessionToken: token, expiresAtMs: BigInt(expiresAt.getTime()) };
    },

    ...createSshHandlers(options.sshAccess, identify),

    async reportAppStats(request, context) {
      await identify(context);
      await apps.reportStats(
        request.sessions.map((session) => ({
          sessionId: session.sessionId,
          userId: session.userId,
          workspaceId: session.workspaceId,
          agentId: session.agentId,
          slugOrPort: session.slugOrPort,
          accessMethod: methodOf(session.accessMethod) ?? "path",
          startedAt: new Date(Number(session.startedAtMs)),
          endedAt: new Date(Number(session.endedAtMs)),
          requests: session.requests,
          lastInputAt: session.lastInputAtMs > 0n ? new Date(Number(session.lastInputAtMs)) : undefined,
        })),
      );
      return {};
    },

    async reportConnections(request, context) {
      await identify(context);
      await options.connectionLog.report(request.replicaId, request.connections.map(toConnectionReport));
      return {};
    },
  };
  addService(server, ProxyService, handlers, options.observe);
}

function tokenOf({ metadata }: CallContext): string {
  const [token] = metadata.get(TOKEN);
  if (typeof token === "string") return token;
  throw new FleetError("unauthenticated", `The proxy token is missing (metadata ${TOKEN}).`);
}

/** Caches the proxy of each token, so that frequent calls do not each need a query. */
function cachedIdentities({
  proxies,
  grants,
  clock,
}: ProxyRpcOptions): (context: CallContext) => Promise<ProxyIdentity> {
  const known = createCache({
    clock,
    ttlMs: IDENTITY_CACHE_MS,
    limit: IDENTITY_CACHE_SIZE,
    load: (token: string) => proxies.authenticate(token),
  });
  grants.listen((change) => {
    if (change === "all" || change.some((subject) => subject.startsWith("proxy:"))) known.clear();
  });
  return (context) => known.get(tokenOf(context));
}

/** Aborts when the proxy is deleted or its token is regenerated. */
function holdSession(
  proxy: ProxyIdentity,
  stream: CallContext,
  decidedAtMs: number,
  revoked: AbortController,
  { grants, proxies }: ProxyRpcOptions,
): Disposable {
  const grant = {
    subjects: [`proxy:${proxy.id}`],
    async ask() {
      await proxies.authenticate(tokenOf(stream));
      return {};
    },
  };
  return { [Symbol.dispose]: grants.hold(grant, decidedAtMs, (reason) => revoked.abort(reason)) };
}

/** Yields messages until the signal aborts, then rejects with its reason. */
function untilAborted<T>(messages: AsyncIterator<T>, signal: AbortSignal): AsyncIterator<T> {
  return { next: () => abortable(messages.next(), signal) };
}

async function runSession(
  stream: Session,
  messages: AsyncIterator<SessionRequest>,
  proxy: ProxyIdentity,
  register: SessionRequest_Register,
  options: ProxyRpcOptions,
): Promise<void> {
  const { routes, pubsub, clock, logger } = options;
  const replica = { replicaId: register.replicaId, relayAddress: register.relayAddress };
  const held = new Map<string, number>(
    register.agents.map((agent) => [agent.agentId, Number(agent.connectedAtMs)]),
  );
  const log = logger.child({ proxy: proxy.name, replicaId: register.replicaId });
  const warn = (error: unknown) =>
    log.warn("could not announce routes; retrying", { error: errorMessage(error) });
  const announce = (agents: ReadonlyMap<string, number>) => routes.announce(replica, agents).catch(warn);
  const forward = (message: SessionMessage) => void stream.send(message).catch(() => {});

  const stops = await Promise.all([
    pubsub.listen(ROUTE_CHANGED_CHANNEL, ({ agentId }) => {
      if (typeof agentId === "string") forward({ message: { case: "routeChanged", value: { agentId } } });
    }),
    pubsub.listen(ROUTE_WANTED_CHANNEL, ({ agentId, resync }) => {
      if (resync) void announce(held);
      const at = held.get(String(agentId));
      if (at !== undefined) void announce(new Map([[String(agentId), at]]));
    }),
  ]);
  stops.push(
    options.grants.listen((change) => {
      const value = change === "all" ? { all: true } : { subjects: [...change] };
      forward({ message: { case: "accessChanged", value } });
    }),
  );
  const timer = clock.every(ANNOUNCE_INTERVAL_MS, () => {
    void announce(held);
    options.proxies.seen(proxy.id, { version: register.version }, clock.now()).catch(warn);
  });
  log.info("proxy connected", { agents: held.size });
  try {
    await options.proxies.seen(proxy.id, { version: register.version }, clock.now());
    await announce(held);
    await stream.send({ message: { case: "settings", value: await settings(proxy, options) } });
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const { message } = next.value;
      if (message.case === "agentConnected") {
        const { agentId, connectedAtMs } = message.value;
        held.set(agentId, Number(connectedAtMs));
        await announce(new Map([[agentId, Number(connectedAtMs)]]));
        routes.changed(agentId);
      } else if (message.case === "agentDisconnected") {
        const { agentId, connectedAtMs } = message.value;
        // This replica may already hold a newer tunnel of the same agent.
        if (held.get(agentId) !== Number(connectedAtMs)) continue;
        held.delete(agentId);
        await routes.withdraw(replica.replicaId, [agentId]).catch(warn);
      }
    }
  } finally {
    timer.cancel();
    for (const stop of stops) stop();
    if (!options.stopping()) await routes.withdraw(replica.replicaId, [...held.keys()]).catch(warn);
    log.info("proxy disconnected");
  }
}

async function settings(proxy: ProxyIdentity, options: ProxyRpcOptions) {
  return {
    accessUrl: proxy.row?.url || options.accessUrl,
    wildcardHostname: proxy.row ? proxy.row.wildcardHostname : options.wildcardHostname,
    appTokenJwks: await options.cryptoKeys.appTokenJwks(),
    relayToken: (await options.cryptoKeys.derive(`relay token of proxy ${proxy.id}`)).toString("base64url"),
    heartbeatIntervalMs: HEARTBEAT_MS,
    disablePathApps: !options.pathApps,
    proxyId: proxy.id,
    sshHostKey: sshKeyPair(await options.cryptoKeys.derive(`SSH host key of proxy ${proxy.id}`)).privateKey,
  };
}

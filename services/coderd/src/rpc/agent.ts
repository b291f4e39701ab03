import { once } from "node:events";
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Clock, createCache, FleetError, type GrantChange, type Logger } from "@fleet/base";
import { addService, type CallContext, type Handlers } from "@fleet/proto-gen";
import { AgentService, AppHealth, LifecycleState, LogLevel } from "@fleet/proto-gen/agent";
import type * as grpc from "@grpc/grpc-js";
import type { Claims } from "../agents/claimed.js";
import type { AgentContainers } from "../agents/containers.js";
import type { AgentLogs } from "../agents/logs.js";
import type { AgentMetadataValues } from "../agents/metadata.js";
import type { Monitoring, Usage } from "../agents/monitoring.js";
import type { AgentPorts } from "../agents/ports.js";
import type { Presence } from "../agents/presence.js";
import type { Agents } from "../agents/service.js";
import type { AgentStats } from "../agents/stats.js";
import { HEARTBEAT_INTERVAL_MS, LIFECYCLE_STATES } from "../agents/status.js";
import type { AgentIdentity, AgentStore } from "../agents/store.js";
import type { SubAgents } from "../agents/subagents.js";
import { PREBUILDS_USER_ID } from "../auth/system-users.js";
import { toManifest } from "../convert/manifest.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { ExternalAuth } from "../externalauth/service.js";
import type { StreamGrants } from "../grants/service.js";
import { UNPUSHED_WORK_WANTED_CHANNEL } from "../pubsub/channels.js";
import type { Pubsub, PubsubMessage } from "../pubsub/pubsub.js";
import type { UnpushedWorkService } from "../unpushedwork/service.js";
import type { UserSecrets } from "../usersecrets/service.js";
import { containerCalls } from "./agent-containers.js";
import type { RpcObserver } from "./observe.js";

export type AgentRpcOptions = {
  agents: Agents;
  agentStore: AgentStore;
  agentLogs: AgentLogs;
  agentMetadata: AgentMetadataValues;
  agentStats: AgentStats;
  agentPorts: AgentPorts;
  agentContainers: AgentContainers;
  subAgents: SubAgents;
  monitoring: Monitoring;
  unpushedWork: Pick<UnpushedWorkService, "report" | "isWanted">;
  pubsub: Pubsub;
  externalAuth: Pick<ExternalAuth, "providers">;
  userSecrets: Pick<UserSecrets, "valuesOf">;
  presence: Presence;
  claims: Claims;
  cryptoKeys: CryptoKeys;
  accessUrl: string;
  wildcardHostname: string;
  grants: StreamGrants;
  clock: Clock;
  logger: Logger;
  observe: RpcObserver;
  /** How often an agent reports its stats. */
  statsRefreshMs: number;
  /** True while this coderd shuts down: agents whose streams end then reconnect to another replica. */
  stopping(): boolean;
};

const TOKEN = "coder-agent-token";
/** How long a token's agent is cached, so that frequent calls do not each need a query. */
const IDENTITY_CACHE_MS = 10_000;
const IDENTITY_CACHE_SIZE = 10_000;

/** Serves coder.agent.v1. */
export function serveAgents(server: Pick<grpc.Server, "addService">, options: AgentRpcOptions): void {
  const { agents, presence, grants, clock, logger } = options;
  const identify = cachedIdentities(options);
  /** Control streams by agent: a newer run of an agent ends an older one's stream. */
  const streams = new Map<string, AbortController>();
  /** What looks for unpushed work, by workspace. */
  const lookers = new Map<string, Set<() => void>>();
  // Until pubsub closes. Without Redis, agents look from time to time only.
  const onWanted = ({ workspaceId }: PubsubMessage) => {
    for (const look of lookers.get(String(workspaceId)) ?? []) look();
  };
  void options.pubsub.listen(UNPUSHED_WORK_WANTED_CHANNEL, onWanted).catch(() => {});

  const timeOf = (at: Timestamp | undefined) => (at ? timestampDate(at) : clock.now());

  const handlers: Handlers<(typeof AgentService)["method"]> = {
    async connect(stream) {
      const decidedAtMs = grants.now();
      const agent = await agents.authenticate(tokenOf(stream));
      const requests = stream[Symbol.asyncIterator]();
      const first = await requests.next();
      if (first.done) return;
      const bootId = first.value.bootId;
      const replaced = new AbortController();
      let gone: FleetError | undefined;
      streams.get(agent.agentId)?.abort();
      streams.set(agent.agentId, replaced);
      const ended = new AbortController();
      const grant = agentGrant(agent, () => agents.requireCurrent(agent.agentId));
      const release = grants.hold(grant, decidedAtMs, (reason) => {
        gone = reason;
        replaced.abort();
      });
      const look = () => void stream.send({ reportUnpushedWork: true }).catch(() => {});
      const others = lookers.get(agent.workspaceId) ?? new Set();
      lookers.set(agent.workspaceId, others.add(look));
      let unlisten = () => {};
      try {
        await presence.connect(agent, bootId);
        logger.info("agent connected", { agentId: agent.agentId, workspaceId: agent.workspaceId });
        await stream.send({ heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS });
        unlisten = await options.agentContainers.onRequest(agent, (devcontainerId, act) => {
          stream.send({ devcontainerAct: { devcontainerId, act } }).catch(() => {});
        });
        const end = once(replaced.signal, "abort").then(() => ({ done: true }) as const);
        const claimed = untilClaimed(options.claims, agent, ended.signal);
        for (;;) {
          const beat = await Promise.race([requests.next(), end, claimed]);
          if (beat === "claimed") return await stream.send({ reinitialize: true });
          if (beat.done) return;
          presence.beat(agent.agentId);
        }
      } finally {
        ended.abort();
        release();
        others.delete(look);
        if (others.size === 0) lookers.delete(agent.workspaceId);
        unlisten();
        if (streams.get(agent.agentId) === replaced) streams.delete(agent.agentId);
        const byLaterRun = replaced.signal.aborted && !gone;
        if (!byLaterRun && !options.stopping()) await presence.disconnect(agent, bootId);
        logger.info("agent disconnected", { agentId: agent.agentId, workspaceId: agent.workspaceId });
      }
    },

    async getManifest(_request, context) {
      const agent = await identify(context, "anew"); // The first call of each connection.
      const givesUserData = agent.userData && agent.ownerActive;
      const [row, checkUnpushedWork, userSecrets, hostKeySeed] = await Promise.all([
        options.agentStore.manifest(agent.agentId),
        options.unpushedWork.isWanted(agent.workspaceId),
        givesUserData ? options.userSecrets.valuesOf(agent.ownerId) : [],
        options.cryptoKeys.derive(`ssh host key of workspace ${agent.workspaceId}, agent ${agent.agentName}`),
      ]);
      const externalAuthCount = givesUserData ? options.externalAuth.providers.length : 0;
      const facts = { hostKeySeed, externalAuthCount, userSecrets, checkUnpushedWork };
      return toManifest(agent, row, { ...options, ...facts });
    },

    async updateStartup(request, context) {
      await agents.updateStartup(await identify(context), {
        version: request.version,
        expandedDirectory: request.expandedDirectory,
        subsystems: request.subsystems,
        sshHostPublicKey: request.sshHostPublicKey,
      });
      return {};
    },

    async updateLifecycle(request, context) {
      const agent = await identify(context);
      const name = LifecycleState[request.state]?.toLowerCase();
      const state = LIFECYCLE_STATES.find((known) => known === name);
      if (!state) throw new FleetError("invalid_argument", "Unknown lifecycle state.");
      await agents.updateLifecycle(agent, state, timeOf(request.changedAt));
      return {};
    },

    async batchUpdateAppHealths(request, context) {
      const agent = await identify(context);
      await agents.updateAppHealths(
        agent,
        request.updates.map(({ appId, health }) => ({
          appId,
          health: (AppHealth[health] ?? "disabled").toLowerCase(),
        })),
      );
      return {};
    },

    async batchUpdateMetadata(request, context) {
      const agent = await identify(context);
      await options.agentMetadata.update(
        agent.agentId,
        request.results.map((result) => ({
          key: result.key,
          value: result.value,
          error: result.error,
          collectedAt: timeOf(result.collectedAt),
        })),
      );
      return {};
    },

    async batchCreateLogs(request, context) {
      const agent = await identify(context);
      const logLimitExceeded = await options.agentLogs.append(
        agent.agentId,
        request.logSourceId,
        { bootId: request.bootId, sequence: request.sequence },
        request.logs.map((log) => ({
          createdAt: timeOf(log.createdAt),
          level: (LogLevel[log.level] ?? "info").toLowerCase(),
          output: log.output,
        })),
      );
      return { logLimitExceeded };
    },

    async scriptCompleted(request, context) {
      const agent = await identify(context);
      await options.agentStore.addScriptTiming(agent.agentId, {
        scriptId: request.scriptId,
        startedAt: timeOf(request.startedAt),
        endedAt: timeOf(request.endedAt),
        exitCode: request.exitCode,
        stage: request.stage,
        status: request.status,
      });
      return {};
    },

    async updateStats(request, context) {
      const agent = await identify(context);
      options.agentStats.report(agent, request);
      await options.agentPorts.report(agent.agentId, request.listeningPorts);
      return { reportIntervalMs: options.statsRefreshMs };
    },

    async reportConnection(request, context) {
      const agent = await identify(context);
      await options.agentStats.reportConnection(agent, {
        connectionId: request.connectionId,
        streamId: request.streamId,
        action: request.action,
        type: request.type,
        at: timeOf(request.at),
        reason: request.reason,
        exitCode: request.exitCode,
      });
      return {};
    },

    async reportUnpushedWork(request, context) {
      const { complete, repositories } = request;
      await options.unpushedWork.report(await identify(context), { complete, repositories });
      return {};
    },

    async pushResourcesUsage(request, context) {
      await options.monitoring.report(
        await identify(context),
        request.samples.map(({ memory, volumes }) => {
          const known = [{ path: "", usage: memory }, ...volumes].filter(({ usage }) => usage !== undefined);
          return new Map(known.map(({ path, usage }) => [path, usageOf(usage!)]));
        }),
      );
      return {};
    },

    ...containerCalls({ identify, subAgents: options.subAgents, containers: options.agentContainers }),
  };
  addService(server, AgentService, handlers, options.observe);
}

/** Of a prebuild's agent; never of any other. What goes wrong is left to the stream's grant. */
async function untilClaimed(claims: Claims, agent: AgentIdentity, signal: AbortSignal): Promise<"claimed"> {
  const never = new Promise<never>(() => {});
  if (agent.ownerId !== PREBUILDS_USER_ID) return never;
  return (await claims.wait(agent, signal).catch(() => undefined)) ? "claimed" : never;
}

function usageOf({ usedBytes, totalBytes }: { usedBytes: bigint; totalBytes: bigint }): Usage {
  return { usedBytes: Number(usedBytes), totalBytes: Number(totalBytes) };
}

function tokenOf(context: CallContext): string {
  const [token] = context.metadata.get(TOKEN);
  if (typeof token !== "string" || token === "") {
    throw new FleetError("unauthenticated", `The agent token is missing (metadata ${TOKEN}).`);
  }
  return token;
}

/** The grant of an agent's open streams: ends when a later build replaces the agent or the workspace is deleted. */
export function agentGrant({ workspaceId }: { workspaceId: string }, requireCurrent: () => Promise<void>) {
  return {
    subjects: [`workspace:${workspaceId}`],
    async ask() {
      await requireCurrent();
      return {};
    },
  };
}

/** The agent of a call's token; with `anew`, as it is now: at the claim of a prebuild, the token becomes another agent's. */
type Identify = (context: CallContext, anew?: "anew") => Promise<AgentIdentity>;

function cachedIdentities({ agents, grants, clock }: AgentRpcOptions): Identify {
  const known = createCache({
    clock,
    ttlMs: IDENTITY_CACHE_MS,
    limit: IDENTITY_CACHE_SIZE,
    load: (token: string) => agents.authenticate(token),
  });
  grants.listen((change) => void forgetChanged(change));

  async function forgetChanged(change: GrantChange): Promise<void> {
    if (change === "all") return known.clear();
    const workspaces = new Set(change.filter((subject) => subject.startsWith("workspace:")));
    if (workspaces.size === 0) return;
    for (const [token, found] of [...known.entries()]) {
      const agent = await found.catch(() => undefined);
      if (!agent || workspaces.has(`workspace:${agent.workspaceId}`)) known.delete(token);
    }
  }

  return (context, anew) => {
    const token = tokenOf(context);
    if (anew) known.delete(token);
    return known.get(token);
  };
}

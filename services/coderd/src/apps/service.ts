import { APP_TOKEN_SECONDS, parseTarget } from "@fleet/app-url";
import { type Clock, FleetError } from "@fleet/base";
import type { ActivityRecorder } from "../agents/activity.js";
import { connectionStatus } from "../agents/status.js";
import type { ApiKeys } from "../apikeys/service.js";
import type { Actor, UserActor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { atMost } from "../auth/share-level.js";
import { wakerOf } from "../auth/waker.js";
import { workspaceObject } from "../auth/workspace-access.js";
import type { CryptoKeys } from "../cryptokeys/service.js";
import type { AppAgent, AppLookup, AppSession, AppStore } from "./store.js";

export type AccessMethod = "path" | "subdomain" | "terminal";

export type AppRequest = {
  method: AccessMethod;
  username: string;
  workspace: string;
  agent: string;
  slugOrPort: string;
  sessionToken: string;
  /** The full requested URL. */
  url: string;
};

export type AppDecision =
  | { kind: "granted"; token: string; expiresAtMs: number; target: AppTarget; actor: UserActor | undefined }
  | { kind: "redirect"; url: string }
  | {
      kind: "refused";
      status: number;
      title: string;
      message: string;
      action?: { url: string; label: string };
      /** The visitor may start this workspace by opening its app. */
      wakeable?: string;
      /** The workspace is starting: the app may answer soon. */
      starting?: boolean;
    };

export type AppTarget = {
  agentId: string;
  workspaceId: string;
  userId: string;
  appId: string;
  url: string;
  slugOrPort: string;
  corsPassthru: boolean;
};

/** An opened app, by ids. */
export type OpenedApp = {
  /** Empty for an anonymous visitor. */
  keyId: string;
  workspaceId: string;
  agentId: string;
  slugOrPort: string;
  method: AccessMethod;
};

type Refusal = Extract<AppDecision, { kind: "refused" }>;

const NOT_FOUND: Refusal = {
  kind: "refused",
  status: 404,
  title: "App not found",
  message:
    "The app does not exist, or you do not have access to it. Check the address, or ask the workspace's owner to share it.",
};

/** Decides who may open which app. The proxy asks, and caches the signed answer for a minute. */
export type Apps = {
  /** The actor of this session token. @throws unauthenticated for an invalid token. */
  actorOf(token: string): Promise<Actor>;
  /**
   * Rechecks access to an open app, for this key or for an anonymous visitor if there is no key. Throws if the app
   * could no longer be opened.
   * @returns when the key expires.
   */
  requireOpen(opened: OpenedApp): Promise<{ expiresAt?: Date }>;
  /** Stores app usage sessions reported by proxies. */
  reportStats(sessions: readonly AppSession[]): Promise<void>;
  /** Returns a signed token if the app may be opened, or where to sign in first. */
  authorize(request: AppRequest): Promise<AppDecision>;
};

export function createApps(options: {
  store: AppStore;
  apiKeys: ApiKeys;
  cryptoKeys: CryptoKeys;
  activity: ActivityRecorder;
  clock: Clock;
  accessUrl: string;
  pathApps: boolean;
}): Apps {
  const { store, cryptoKeys, activity, clock, accessUrl } = options;

  async function actorOf(token: string): Promise<Actor> {
    if (!token) return { kind: "anonymous" };
    return options.apiKeys.authenticate({ token, via: "cookie" }).catch((error) => {
      if (error instanceof FleetError && error.code === "unauthenticated") return { kind: "anonymous" };
      throw error;
    });
  }

  /** The sign-in URL, which returns to the app afterwards. */
  function signIn(request: AppRequest): AppDecision {
    const url =
      request.method === "subdomain"
        ? new URL("/api/v2/applications/auth-redirect", accessUrl)
        : new URL("/login", accessUrl);
    if (request.method === "subdomain") url.searchParams.set("redirect_uri", request.url);
    else {
      // An invalid URL, for example from a malformed Host header, leads to the dashboard.
      const target = URL.parse(request.url, accessUrl);
      url.searchParams.set("redirect", target ? target.pathname + target.search : "/");
    }
    return { kind: "redirect", url: url.href };
  }

  return {
    actorOf,

    async requireOpen(opened) {
      const [actor, found] = await Promise.all([visitorOf(opened.keyId), store.findById(opened.workspaceId)]);
      const app = found && (await resolve(found, { ...opened, agent: opened.agentId }));
      if (!found || !app?.agent || !mayOpen(actor, found, app.level, opened.method))
        throw new FleetError("not_found", "You no longer have access to this app.");
      return actor.kind === "user" ? { expiresAt: actor.expiresAt } : {};
    },

    async reportStats(sessions) {
      const now = clock.now();
      await store.addStats(sessions);
      await activity.record(
        sessions.flatMap(({ workspaceId, endedAt, lastInputAt }) => {
          const use = { workspaceId, kind: "app" as const };
          // A proxy whose clock is ahead must not keep a workspace in use.
          const open = { ...use, at: earliest(endedAt, now) };
          return lastInputAt ? [open, { ...use, at: earliest(lastInputAt, now), input: true }] : [open];
        }),
      );
    },

    async authorize(request) {
      if (request.method === "path" && !options.pathApps) {
        return {
          ...NOT_FOUND,
          message: "Path-based apps are disabled in this deployment. Use the app's subdomain.",
        };
      }
      const decidedAtMs = clock.now().getTime();
      const [actor, found] = await Promise.all([
        actorOf(request.sessionToken),
        store.find(request.username, request.workspace),
      ]);
      const app = found && (await resolve(found, request));
      if (!found || !app || !mayOpen(actor, found, app.level, request.method)) {
        if (found && actor.kind === "user" && (await wasShared(found, request, actor)))
          return stoppedForGuests(found);
        // Anonymous visitors are always sent to sign in, so that they cannot tell whether the app exists.
        return actor.kind === "anonymous" ? signIn(request) : NOT_FOUND;
      }
      const unusable = unusableReason(found, app.agent, accessUrl, clock.now());
      if (unusable && isStopped(found) && found.wakes && mayWake(actor, found))
        return { ...unusable, wakeable: found.workspaceId };
      if (unusable) return unusable;
      if (!app.agent) return NOT_FOUND;
      const user = actor.kind === "user" ? actor : undefined;
      const token = await cryptoKeys.signAppToken({
        ...(user ? { session: sessionOf(user) } : {}),
        workspaceId: found.workspaceId,
        agentId: app.agent.id,
        app: request.slugOrPort,
        decidedAtMs,
      });
      return {
        kind: "granted",
        token,
        expiresAtMs: clock.now().getTime() + APP_TOKEN_SECONDS * 1000,
        actor: user,
        target: {
          agentId: app.agent.id,
          workspaceId: found.workspaceId,
          userId: user?.userId ?? "",
          appId: app.appId,
          url: app.url,
          slugOrPort: request.slugOrPort,
          corsPassthru: found.corsPassthru,
        },
      };
    },
  };

  /** The current actor of the key, or an anonymous visitor. */
  function visitorOf(keyId: string): Promise<Actor> {
    return keyId ? options.apiKeys.actorOfKey(keyId) : Promise.resolve({ kind: "anonymous" });
  }

  /**
   * Whether the actor could open the app if the workspace were running. A stopped workspace has no apps: what is known is
   * the share of the port, and the template's sharing level at the last start.
   */
  async function wasShared(found: AppLookup, request: AppRequest, actor: UserActor): Promise<boolean> {
    if (!isStopped(found)) return false;
    const { workspaceId } = found;
    const target = parseTarget(request.slugOrPort);
    const share =
      target && "port" in target && request.agent
        ? await store.portShare(workspaceId, request.agent, target.port)
        : undefined;
    const level = share
      ? atMost(share.shareLevel, share.maxShareLevel)
      : await store.lastLevel(workspaceId, request.agent, request.slugOrPort);
    return level !== undefined && mayOpen(actor, found, level, request.method);
  }

  type Resolved = { agent: AppAgent | undefined; appId: string; url: string; level: string };

  /** The app at this address; undefined if there is none. A stopped workspace has no agents and so no apps. */
  async function resolve(
    found: AppLookup,
    request: Pick<AppRequest, "method" | "agent" | "slugOrPort">,
  ): Promise<Resolved | undefined> {
    const named = (agent: AppAgent) => agent.name === request.agent || agent.id === request.agent;
    const agents = request.agent ? found.agents.filter(named) : found.agents;
    if (found.agents.length === 0) return { agent: undefined, appId: "", url: "", level: "owner" };
    for (const agent of agents) {
      const app = agent.apps.find(({ slug }) => slug === request.slugOrPort);
      if (app && !app.external && app.url)
        return { agent, appId: app.id, url: app.url, level: app.sharingLevel };
    }
    // Path apps share the dashboard's origin, so only apps declared in a template are served, not ports.
    const target = request.method === "path" ? undefined : parseTarget(request.slugOrPort);
    if (!target || !("port" in target) || request.agent === "" || agents.length !== 1) return undefined;
    const share = await store.portShare(found.workspaceId, agents[0]!.name, target.port);
    const scheme = target.https || share?.protocol === "https" ? "https" : "http";
    return {
      agent: agents[0],
      appId: "",
      url: `${scheme}://127.0.0.1:${target.port}`,
      level: share ? atMost(share.shareLevel, share.maxShareLevel) : "owner",
    };
  }
}

/**
 * Path apps run on the deployment's own origin, where a shared app could act as its visitor. So only the owner may open
 * them.
 */
function mayOpen(actor: Actor, found: AppLookup, level: string, method: AccessMethod): boolean {
  if (method === "path")
    return actor.kind === "user" && actor.userId === found.ownerId && canConnect(actor, found);
  if (level === "public") return true;
  if (actor.kind !== "user") return false;
  if (canConnect(actor, found)) return true;
  if (level === "authenticated") return true;
  return level === "organization" && actor.organizationIds.includes(found.organizationId);
}

function sessionOf({ userId, apiKeyId, expiresAt }: UserActor) {
  return { userId, keyId: apiKeyId, endsAtMs: expiresAt.getTime() };
}

function canConnect(actor: Actor, found: AppLookup): boolean {
  return authorizer.can(actor, "application_connect", workspaceObject({ ...found, id: found.workspaceId }));
}

const isStopped = (found: AppLookup) => found.transition === "stop" && !found.jobRunning && !found.dormant;

/** Whether the actor may start the workspace by opening its app. */
function mayWake(actor: Actor, found: AppLookup): boolean {
  return (
    actor.kind === "user" &&
    authorizer.can(wakerOf(actor), "start", workspaceObject({ ...found, id: found.workspaceId }))
  );
}

/** For somebody with whom the app is shared, and who may not start its workspace. */
function stoppedForGuests({ workspaceName, ownerName }: AppLookup): Refusal {
  return {
    kind: "refused",
    status: 503,
    title: "Workspace is stopped",
    message: `The workspace "${workspaceName}" of ${ownerName} is not running, and you cannot start it. Ask ${ownerName} to start it.`,
  };
}

function unusableReason(
  found: AppLookup,
  agent: AppAgent | undefined,
  accessUrl: string,
  now: Date,
): Refusal | undefined {
  const page = new URL(`/@${found.ownerName}/${found.workspaceName}`, accessUrl).href;
  const action = { url: page, label: "Go to the workspace" };
  if (found.dormant) {
    return {
      kind: "refused",
      status: 400,
      title: "Workspace is dormant",
      message: `The workspace "${found.workspaceName}" is dormant because it was not used. Activate it, then open the app again.`,
      action,
    };
  }
  if (found.transition !== "start" && found.jobRunning) {
    return {
      kind: "refused",
      status: 503,
      title: "Workspace is stopping",
      message: `The workspace "${found.workspaceName}" is being stopped. Try again in a moment.`,
      action,
    };
  }
  if (found.transition !== "start") {
    return {
      kind: "refused",
      status: 400,
      title: "Workspace is stopped",
      message: `The workspace "${found.workspaceName}" is not running. Start it, then open the app again.`,
      action,
    };
  }
  if (!agent) {
    if (found.failed) {
      return {
        kind: "refused",
        status: 502,
        title: "Workspace failed to start",
        message: `The last start of the workspace "${found.workspaceName}" failed. See its build log, then start it again.`,
        action,
      };
    }
    if (!found.jobRunning) return undefined;
    return {
      kind: "refused",
      starting: true,
      status: 503,
      title: "Workspace is starting",
      message: `The workspace "${found.workspaceName}" is still starting. Try again in a moment.`,
      action,
    };
  }
  const connection = connectionStatus(agent, now);
  if (connection !== "connected") {
    return {
      ...(connection === "connecting" ? { starting: true } : {}),
      kind: "refused",
      status: 502,
      title: "Agent is not connected",
      message: `The agent "${agent.name}" is not connected. It may still be starting. If this persists, restart the workspace.`,
      action,
    };
  }
  return undefined;
}

const earliest = (one: Date, other: Date) => (one < other ? one : other);

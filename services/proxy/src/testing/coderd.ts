import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { generateAppKey, type JWK, signAppToken } from "@fleet/app-url";
import { type Clock, FleetError, systemClock } from "@fleet/base";
import { addService, type Handlers, type ServerStream } from "@fleet/proto-gen";
import {
  AccessMethod,
  type AppSession,
  type AuthorizeAppRequest,
  CheckedGrant_Verdict,
  type Connection,
  type Grant,
  GrantKind,
  ProxyService,
  type SessionRequest,
} from "@fleet/proto-gen/proxy";
import * as grpc from "@grpc/grpc-js";

type Methods = Handlers<(typeof ProxyService)["method"]>;
type Push = Parameters<Parameters<Methods["session"]>[0]["send"]>[0]["message"];
type SessionStream = ServerStream<SessionRequest, { message?: Push }>;

/** An app that exists, and the session tokens that may open it; `public` opens it to everyone. */
export type TestApp = {
  username: string;
  workspace: string;
  agent: string;
  slugOrPort: string;
  url: string;
  agentId: string;
  workspaceId: string;
  userId: string;
  tokens: string[];
  public?: boolean;
  corsPassthru?: boolean;
};

export type TestIdentity = { userId: string; username: string; sshKeyId: string; keyId: string };
export type TestSignIn = { username: string; address: string; client: string; identity?: TestIdentity };

export type Replica = {
  replicaId: string;
  relayAddress: string;
  agents: Map<string, bigint>;
  stream: SessionStream;
};

/**
 * A coderd that keeps its decisions in memory: the real gRPC contract on a real socket, and the truth about agents,
 * apps and routes that a test gives it. It outlives its own server, so that a test can stop and start it.
 */
export class TestCoderd {
  readonly agentTokens = new Map<string, { agentId: string; workspaceId: string }>();
  readonly apps: TestApp[] = [];
  /** User tokens that may open streams to every agent. */
  readonly userTokens = new Map<string, { userId: string; username: string }>();
  /** Registered public keys, by their base64. */
  readonly sshKeys = new Map<string, { id: string; userId: string; username: string }>();
  /** Sign-ins by link: a test allows one by setting its identity, and denies one by deleting it. */
  readonly sshSignIns = new Map<string, TestSignIn>();
  /** What users reach by SSH, by host name. */
  readonly sshHosts = new Map<string, { agentId: string; workspaceId: string; hostKey: string }>();
  readonly appKeys = new Map<string, { hostname: string; sessionToken: string }>();
  readonly replicas = new Map<string, Replica>();
  readonly reported: AppSession[] = [];
  /** As last reported. */
  readonly connections = new Map<string, Connection>();
  readonly asked: AuthorizeAppRequest[] = [];
  /** The workspaces of all apps: stopped ones start when somebody wakes them, and run when a test says so. */
  workspaces: "running" | "stopped" | "starting" = "running";
  /** Whether apps wake their workspaces. */
  wakes = true;
  readonly woken: string[] = [];
  /** Why nobody may start a workspace. */
  wakeRefusal = "";
  lookups = 0;
  /** How many grants have been asked about. */
  checked = 0;
  /** When the keys of all users end; 0 for never. */
  keysEndAtMs = 0;
  /** So many calls are told that the database is away. */
  outages = 0;
  /** Whether agents that no replica holds are said to be on their way back. */
  agentExpected = false;
  settings = {
    accessUrl: "http://coder.test",
    wildcardHostname: "*.apps.test",
    relayToken: "relay-secret",
    heartbeatIntervalMs: 1_000,
    disablePathApps: false,
    proxyId: "primary",
    sshHostKey: "",
  };
  readonly clock: Clock;
  #keys: { privateKey: JWK; publicKey: JWK } | undefined;
  #grpc: grpc.Server | undefined;
  #grpcPort = 0;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
  }

  /** Starts, at the address that it had before. */
  async start(): Promise<void> {
    this.#keys ??= await generateAppKey();
    const server = new grpc.Server();
    addService(server, ProxyService, this.#handlers(), async (context, next) => {
      if (context.metadata.get("coder-proxy-token")[0] !== "proxy-secret") {
        throw new FleetError("unauthenticated", "This proxy token is nobody's.");
      }
      if (this.outages > 0 && !context.method.endsWith("/Session")) {
        this.outages -= 1;
        throw new FleetError("unavailable", "The database does not answer.");
      }
      return next();
    });
    const credentials = grpc.ServerCredentials.createInsecure();
    this.#grpcPort = await new Promise<number>((resolve, reject) =>
      server.bindAsync(`127.0.0.1:${this.#grpcPort}`, credentials, (error, port) =>
        error ? reject(error) : resolve(port),
      ),
    );
    this.#grpc = server;
  }

  get address(): string {
    return `127.0.0.1:${this.#grpcPort}`;
  }

  /** Dies without a word. */
  stop(): void {
    this.#grpc?.forceShutdown();
    this.#grpc = undefined;
    this.replicas.clear();
  }

  /** Says something to all replicas. */
  async push(message: Push): Promise<void> {
    await Promise.all([...this.replicas.values()].map(({ stream }) => stream.send({ message })));
  }

  async pushSettings(): Promise<void> {
    await this.push(this.#settingsMessage());
  }

  signedToken(app: TestApp, userId = app.userId): Promise<string> {
    const { workspaceId, agentId, slugOrPort } = app;
    const session = { userId, keyId: app.tokens[0] ?? "", endsAtMs: this.clock.now().getTime() + 3_600_000 };
    return signAppToken(
      { session, workspaceId, agentId, app: slugOrPort, decidedAtMs: this.clock.now().getTime() },
      this.#keys!.privateKey,
      this.clock,
    );
  }

  #settingsMessage() {
    const appTokenJwks = JSON.stringify({ keys: [this.#keys!.publicKey] });
    return { case: "settings" as const, value: { ...this.settings, appTokenJwks } };
  }

  /** The id of a key is its token here. */
  #holds({ kind, keyId, sshKeyId, agentId, appSlugOrPort }: Grant): boolean {
    if (kind === GrantKind.AGENT_STREAM) return this.userTokens.has(keyId) || this.#hasSshKey(sshKeyId);
    if (kind === GrantKind.TUNNEL)
      return [...this.agentTokens.values()].some((agent) => agent.agentId === agentId);
    const app = this.apps.find(({ slugOrPort }) => slugOrPort === appSlugOrPort);
    return app !== undefined && (app.public || app.tokens.includes(keyId));
  }

  #hasSshKey(id: string): boolean {
    return [...this.sshKeys.values()].some((key) => key.id === id);
  }

  #sshHandlers() {
    return {
      authenticateSshKey: async ({ username, publicKey }) => {
        const key = this.sshKeys.get(Buffer.from(publicKey).toString("base64"));
        if (key?.username !== username) throw new FleetError("unauthenticated", "The key is nobody's.");
        const { id: sshKeyId, userId } = key;
        return { identity: { userId, username, sshKeyId, keyId: "" } };
      },
      beginSshSignIn: async ({ username, address, client }) => {
        const id = String(this.sshSignIns.size + 1);
        this.sshSignIns.set(id, { username, address, client });
        const expiresAtMs = BigInt(this.clock.now().getTime() + 60_000);
        return { id, code: `CODE-${id}`, url: `http://coder.test/ssh/sign-in?code=CODE-${id}`, expiresAtMs };
      },
      claimSshSignIn: async ({ id }) => {
        const signIn = this.sshSignIns.get(id);
        if (!signIn) throw new FleetError("unauthenticated", "The sign-in was denied or has expired.");
        if (signIn.identity) this.sshSignIns.delete(id);
        return { identity: signIn.identity };
      },
      authorizeSsh: async ({ identity, host }) => {
        const { userId = "", sshKeyId = "", keyId = "" } = identity ?? {};
        if (!this.#hasSshKey(sshKeyId) && !this.userTokens.has(keyId))
          throw new FleetError("unauthenticated", "The key was removed.");
        const found = this.sshHosts.get(host);
        if (!found) throw new FleetError("not_found", `Workspace ${host} not found.`);
        const { hostKey, ...agent } = found;
        return {
          ...agent,
          hostKey,
          grant: { kind: GrantKind.AGENT_STREAM, ...agent, userId, sshKeyId, keyId },
        };
      },
    } satisfies Partial<Methods>;
  }

  #handlers(): Methods {
    return {
      ...this.#sshHandlers(),
      session: (stream) => this.#session(stream as SessionStream),
      authenticateAgent: async ({ agentToken }) => {
        const agent = this.agentTokens.get(agentToken);
        if (!agent) throw new FleetError("unauthenticated", "This agent token is nobody's.");
        return agent;
      },
      lookupRoute: async ({ agentId }) => {
        this.lookups += 1;
        const holders = [...this.replicas.values()].filter(({ agents }) => agents.has(agentId));
        holders.sort((a, b) => Number(b.agents.get(agentId)! - a.agents.get(agentId)!));
        return {
          routes: holders.map(({ replicaId, relayAddress }) => ({ replicaId, relayAddress })),
          agentExpected: this.agentExpected,
        };
      },
      authorizeApp: (request) => this.#authorizeApp(request),
      wakeWorkspace: async ({ workspaceId }) => {
        this.woken.push(workspaceId);
        if (this.wakeRefusal === "" && this.workspaces === "stopped") this.workspaces = "starting";
        return { refusal: this.wakeRefusal };
      },
      authorizeAgent: async ({ agentId, sessionToken }) => {
        const user = this.userTokens.get(sessionToken);
        if (!user) throw new FleetError("unauthenticated", "You are signed out.");
        const agent = [...this.agentTokens.values()].find((known) => known.agentId === agentId);
        if (!agent) throw new FleetError("not_found", "Agent not found.");
        const grant = {
          kind: GrantKind.AGENT_STREAM,
          ...agent,
          userId: user.userId,
          keyId: sessionToken,
          expiresAtMs: BigInt(this.keysEndAtMs),
        };
        return { ...agent, ...user, grant };
      },
      checkGrants: async ({ grants }) => {
        this.checked += grants.length;
        const expiresAtMs = BigInt(this.keysEndAtMs);
        return {
          grants: grants.map((grant) =>
            this.#holds(grant)
              ? { verdict: CheckedGrant_Verdict.HOLDS, expiresAtMs }
              : { verdict: CheckedGrant_Verdict.ENDED, reason: "It has ended." },
          ),
        };
      },
      exchangeAppKey: async ({ encryptedKey, hostname }) => {
        const key = this.appKeys.get(encryptedKey);
        if (!key || key.hostname !== hostname)
          throw new FleetError("invalid_argument", "The key is not good.");
        this.appKeys.delete(encryptedKey);
        return {
          sessionToken: key.sessionToken,
          expiresAtMs: BigInt(this.clock.now().getTime() + 3_600_000),
        };
      },
      reportAppStats: async ({ sessions }) => {
        this.reported.push(...sessions);
        return {};
      },
      reportConnections: async ({ connections }) => {
        for (const connection of connections) this.connections.set(connection.connectionId, connection);
        return {};
      },
    };
  }

  async #session(stream: SessionStream): Promise<void> {
    let replica: Replica | undefined;
    try {
      for await (const { message } of stream) {
        if (message.case === "register") {
          const { replicaId, relayAddress, agents } = message.value;
          const held = agents.map(({ agentId, connectedAtMs }) => [agentId, connectedAtMs] as const);
          replica = { replicaId, relayAddress, agents: new Map(held), stream };
          this.replicas.set(replicaId, replica);
          await stream.send({ message: this.#settingsMessage() });
        } else if (message.case === "agentConnected") {
          replica?.agents.set(message.value.agentId, message.value.connectedAtMs);
          await this.push({ case: "routeChanged", value: { agentId: message.value.agentId } });
        } else if (message.case === "agentDisconnected") {
          replica?.agents.delete(message.value.agentId);
          await this.push({ case: "routeChanged", value: { agentId: message.value.agentId } });
        }
      }
    } finally {
      if (replica && this.replicas.get(replica.replicaId) === replica)
        this.replicas.delete(replica.replicaId);
    }
  }

  async #authorizeApp(request: AuthorizeAppRequest): ReturnType<Methods["authorizeApp"]> {
    this.asked.push(request);
    const app = this.apps.find(
      (known) =>
        known.username === request.usernameOrId &&
        known.workspace === request.workspaceNameOrId &&
        (request.agentNameOrId === "" || known.agent === request.agentNameOrId) &&
        known.slugOrPort === request.appSlugOrPort,
    );
    if (!app) {
      const message = "The app does not exist, or you do not have access to it.";
      return { decision: { case: "refused", value: { status: 404, title: "App not found", message } } };
    }
    if (!app.public && !app.tokens.includes(request.sessionToken)) {
      if (request.sessionToken !== "") {
        const message = "The app does not exist, or you do not have access to it.";
        return { decision: { case: "refused", value: { status: 404, title: "App not found", message } } };
      }
      const login =
        request.accessMethod === AccessMethod.SUBDOMAIN
          ? "/api/v2/applications/auth-redirect?redirect_uri="
          : "/login?redirect=";
      const value = `${this.settings.accessUrl}${login}${encodeURIComponent(request.requestUrl)}`;
      return { decision: { case: "redirectUrl", value } };
    }
    const { agentId, workspaceId, userId, url, slugOrPort } = app;
    if (this.workspaces !== "running") {
      const starting = this.workspaces === "starting";
      const state = {
        status: starting ? 503 : 400,
        title: starting ? "Workspace is starting" : "Workspace is stopped",
        message: `The workspace "${app.workspace}" is ${this.workspaces}.`,
        starting,
        wakeableWorkspaceId: this.wakes && !starting ? workspaceId : "",
      };
      return { decision: { case: "refused", value: state } };
    }
    const grant = {
      kind: GrantKind.APP,
      keyId: request.sessionToken,
      userId,
      workspaceId,
      agentId,
      accessMethod: request.accessMethod,
      appSlugOrPort: slugOrPort,
      expiresAtMs: BigInt(this.keysEndAtMs),
    };
    const value = {
      signedToken: await this.signedToken(app),
      expiresAtMs: BigInt(this.clock.now().getTime() + 60_000),
      target: {
        agentId,
        workspaceId,
        userId,
        url,
        slugOrPort,
        appId: "app",
        grant,
        corsPassthru: app.corsPassthru,
      },
    };
    return { decision: { case: "granted", value } };
  }
}

/** Listens on a free port of this machine. */
export async function listenLocal(server: Pick<Server, "listen" | "address">, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { type Clock, createCloser, systemClock } from "@fleet/base";
import { createTestLogger, waitFor } from "@fleet/testkit";
import { Registry } from "prom-client";
import { type ProxyOptions, type ProxyReplica, startProxy } from "../proxy.js";
import { connectCoderd } from "../session/coderd.js";
import { dialAsAgent, type TestAgent, type TestAgentOptions } from "./agent.js";
import { type TestApp, TestCoderd } from "./coderd.js";
import { startWeb, type TestWeb } from "./web.js";

export const AGENT_ID = "11111111-1111-4111-8111-111111111111";
export const WORKSPACE_ID = "22222222-2222-4222-8222-222222222222";
export const USER_ID = "33333333-3333-4333-8333-333333333333";
export const AGENT_TOKEN = "agent-secret";
export const USER_TOKEN = "user-secret";

/** Longer than a test's coderd is away, and short enough to wait out. */
const PATIENCE_MS = 3_000;

export type TestFleet = AsyncDisposable & {
  coderd: TestCoderd;
  /** coderd's HTTP side. */
  upstream: TestWeb;
  proxy: ProxyReplica;
  registry: Registry;
  /** Another replica of the same deployment. */
  addReplica(options?: Partial<ProxyOptions>): Promise<ProxyReplica>;
  connectAgent(options?: Partial<TestAgentOptions>): Promise<TestAgent>;
  /** A web app in the workspace, known to coderd by this slug or port. */
  addApp(app: Partial<TestApp> & { slugOrPort: string }): TestApp;
  /** A web server in the workspace. */
  startWeb(): Promise<TestWeb>;
};

/** A proxy with all of its neighbours: coderd, an upstream and, when asked for, agents, apps and more replicas. */
export async function startFleet(
  options: Partial<ProxyOptions> = {},
  clock: Clock = systemClock,
): Promise<TestFleet> {
  const closer = createCloser();
  const coderd = new TestCoderd(clock);
  coderd.agentTokens.set(AGENT_TOKEN, { agentId: AGENT_ID, workspaceId: WORKSPACE_ID });
  coderd.userTokens.set(USER_TOKEN, { userId: USER_ID, username: "ana" });
  await coderd.start();
  closer.add(() => coderd.stop());
  const upstream = await startWeb();
  closer.add(() => upstream[Symbol.asyncDispose]());
  const registry = new Registry();

  async function addReplica(overrides: Partial<ProxyOptions> = {}): Promise<ProxyReplica> {
    const client = connectCoderd({ address: coderd.address, token: "proxy-secret", patienceMs: PATIENCE_MS });
    closer.add(() => client.close());
    const proxy = await startProxy({
      coderd: client,
      coderdUrl: new URL(`http://127.0.0.1:${upstream.port}`),
      httpAddress: "127.0.0.1:0",
      relay: { address: "127.0.0.1:0" },
      replicaId: crypto.randomUUID(),
      hostname: "test",
      drainMs: 2_000,
      registry: new Registry(),
      clock,
      log: createTestLogger(),
      ...overrides,
    });
    closer.add(() => proxy.close());
    await waitFor(() => proxy.notReady() === undefined, { what: "the proxy to reach coderd" });
    return proxy;
  }

  const proxy = await addReplica({ registry, ...options });
  return {
    coderd,
    upstream,
    proxy,
    registry,
    addReplica,
    async connectAgent(agentOptions = {}) {
      const agent = await dialAsAgent({ proxy: proxy.address, token: AGENT_TOKEN, ...agentOptions });
      closer.add(() => agent.tunnel.close());
      await waitFor(() => [...coderd.replicas.values()].some(({ agents }) => agents.has(AGENT_ID)), {
        what: "the agent to be announced",
      });
      return agent;
    },
    addApp(app) {
      const whole: TestApp = {
        username: "ana",
        workspace: "dev",
        agent: "main",
        url: "http://127.0.0.1:1",
        agentId: AGENT_ID,
        workspaceId: WORKSPACE_ID,
        userId: USER_ID,
        tokens: [USER_TOKEN],
        ...app,
      };
      coderd.apps.push(whole);
      return whole;
    },
    async startWeb() {
      const web = await startWeb();
      closer.add(() => web[Symbol.asyncDispose]());
      return web;
    },
    [Symbol.asyncDispose]: () => closer.close(),
  };
}

export type Reply = { status: number; headers: IncomingHttpHeaders; body: Buffer; text: string };

/** One request to `host:port`, the whole reply. No connection is kept. */
export async function fetchFrom(
  address: string,
  path: string,
  options: RequestOptions & { body?: Buffer | string } = {},
): Promise<Reply> {
  const response = await startRequest(address, path, options);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return { status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString("utf8") };
}

/** One request, its response unread. */
export function startRequest(
  address: string,
  path: string,
  { body, ...options }: RequestOptions & { body?: Buffer | string } = {},
): Promise<IncomingMessage> {
  const [host, port] = address.split(":");
  return new Promise((resolve, reject) => {
    const outgoing = request({ host, port: Number(port), path, agent: false, ...options }, resolve);
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** Opens a raw stream to an agent, as a client of the user's. Rejects with the status and body of a refusal. */
export async function openStream(
  address: string,
  path: string,
  headers: Record<string, string> = {},
): Promise<Duplex> {
  const opening = request(`http://${address}${path}`, {
    headers: {
      Connection: "Upgrade",
      Upgrade: "coder-stream/1",
      "Coder-Session-Token": USER_TOKEN,
      ...headers,
    },
  });
  opening.end();
  const outcome = await Promise.race([once(opening, "upgrade"), once(opening, "response")]);
  const [response, socket, head] = outcome;
  if (!socket) throw new Error(`${response.statusCode} ${await text(response)}`);
  if (head.length > 0) socket.unshift(head);
  return socket;
}

import { randomUUID } from "node:crypto";
import { type AgentClient, connectAgent } from "@fleet/agentsdk";
import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProxyService, type SessionResponse } from "@fleet/proto-gen/proxy";
import type { EchoTemplate } from "@fleet/provisionersdk";
import type { Template, Workspace } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { PROXY_TOKEN, type TestCoderd, type TestUser } from "./coderd.js";
import { built, createTemplate, createWorkspace } from "./work.js";

type AgentInit = NonNullable<NonNullable<EchoTemplate["resources"]>[number]["agents"]>[number];

export type TestWorkspace = { workspace: Workspace; template: Template; agentId: string; token: string };

/** A workspace whose agent has a token known to the test. Requires a daemon that is serving. */
export async function createAgentWorkspace(
  admin: TestUser,
  user: TestUser,
  agent: AgentInit = {},
): Promise<TestWorkspace> {
  const token = randomUUID();
  const auth = { case: "token" as const, value: token };
  const base = { name: "main", operatingSystem: "linux", architecture: "amd64", auth };
  const resource = { name: "main", type: "null_resource", address: "null_resource.main" };
  const name = `t-${token.slice(0, 8)}`;
  const template = await createTemplate(
    admin,
    { resources: [{ ...resource, agents: [{ ...base, ...agent }] }] },
    name,
  );
  const workspace = await createWorkspace(user, template);
  const build = await built(user, workspace);
  return { workspace, template, token, agentId: build.resources[0]!.agents![0]!.id };
}

export type TestAgent = Disposable & {
  client: AgentClient;
  /** Opens the control stream; `ended` settles when coderd has ended it. */
  connect(bootId?: string): Promise<{ ended: Promise<void>; hangUp(): void }>;
};

/** Connects like an agent and speaks coder.agent.v1. */
export async function createTestAgent(server: TestCoderd, token: string): Promise<TestAgent> {
  const { client, close } = await connectAgent({ accessUrl: server.coderd.httpUrl, token });
  return {
    client,
    async connect(bootId = randomUUID()) {
      const stream = client.connect();
      await stream.send({ bootId });
      const answers = stream[Symbol.asyncIterator]();
      await answers.next();
      const ended = (async () => {
        while (!(await answers.next()).done);
      })().catch(() => {});
      return { ended, hangUp: () => stream.end() };
    },
    [Symbol.dispose]: close,
  };
}

export type TestProxy = Disposable & {
  client: GrpcClient<(typeof ProxyService)["method"]>;
  /** Messages from coderd, oldest first. */
  messages: SessionResponse["message"][];
  /** Settles when the session ends. */
  ended: Promise<void>;
  /** The subjects of all changes that coderd has sent. */
  changed(): string[];
  /** Announces that it holds the agent's tunnel. */
  hold(agentId: string): Promise<void>;
};

/** A test-controlled proxy with a session. Uses the deployment's token by default. */
export async function createTestProxy(
  server: TestCoderd,
  replicaId: string = randomUUID(),
  token = PROXY_TOKEN,
): Promise<TestProxy> {
  const client = createGrpcClient(ProxyService, {
    address: server.coderd.grpcAddress,
    metadata: () => ({ "coder-proxy-token": token }),
  });
  const session = client.session();
  const messages: SessionResponse["message"][] = [];
  await session.send({
    message: {
      case: "register",
      value: { replicaId, hostname: "test", version: "v0.0.0", relayAddress: `${replicaId}:1`, agents: [] },
    },
  });
  const ended = (async () => {
    for await (const { message } of session) messages.push(message);
  })();
  ended.catch(() => {});
  await waitFor(() => messages.length > 0, { what: "the proxy's settings" });
  return {
    client,
    messages,
    ended,
    changed: () =>
      messages.flatMap((message) => (message.case === "accessChanged" ? message.value.subjects : [])),
    hold: (agentId) =>
      session.send({
        message: { case: "agentConnected", value: { agentId, connectedAtMs: BigInt(Date.now()) } },
      }),
    [Symbol.dispose]() {
      session.cancel();
      client.close();
    },
  };
}

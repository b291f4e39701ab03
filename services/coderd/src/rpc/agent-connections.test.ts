import { once } from "node:events";
import { type ClientRequest, request } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import type { Duplex } from "node:stream";
import { AGENT_RPC_PROTOCOL } from "@fleet/base";
import { createGrpcClient } from "@fleet/proto-gen";
import { AgentService } from "@fleet/proto-gen/agent";
import { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { createAgentWorkspace } from "../testing/agents.js";
import { createTestCoderd, PROXY_TOKEN, PSK, type TestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";

/** Requests the upgrade as an agent with this token. */
async function dial(server: TestCoderd, token?: string): Promise<{ status: number; socket?: Duplex }> {
  const dialing: ClientRequest = request(`${server.coderd.httpUrl}/api/v2/workspaceagents/me/rpc`, {
    agent: false,
    headers: {
      Connection: "Upgrade",
      Upgrade: AGENT_RPC_PROTOCOL,
      ...(token === undefined ? {} : { "Coder-Session-Token": token }),
    },
  });
  dialing.end();
  const [response, socket, head] = await Promise.race([once(dialing, "upgrade"), once(dialing, "response")]);
  response.resume();
  if (head?.length > 0) socket.unshift(head);
  return { status: response.statusCode, ...(socket ? { socket } : {}) };
}

/** A local address connected to this connection. */
async function addressOf(connection: Duplex, stack: AsyncDisposableStack): Promise<string> {
  const bridge = createServer((local) => {
    local
      .on("error", () => {})
      .pipe(connection)
      .pipe(local);
  });
  bridge.listen(0, "127.0.0.1");
  await once(bridge, "listening");
  stack.defer(() => void bridge.close());
  return `127.0.0.1:${(bridge.address() as AddressInfo).port}`;
}

async function start(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const server = stack.use(await createTestCoderd({ env }));
  const owner = await server.owner();
  stack.use(await startProvisioner(server)).serve();
  const made = await createAgentWorkspace(owner, owner);
  return { ...made, server, owner, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test("connections require an agent's token; failed attempts are limited per address without blocking agents", async () => {
  await using test = await start({ CODER_API_RATE_LIMIT: "20" });
  expect(await dial(test.server)).toEqual({ status: 401 });
  expect(await dial(test.server, "wrong")).toEqual({ status: 401 });
  expect(await dial(test.server, test.owner.token)).toEqual({ status: 401 });
  const tries = await Promise.all(Array.from({ length: 30 }, (_, i) => dial(test.server, `wrong-${i}`)));
  expect(tries.map(({ status }) => status)).toContain(429);
  expect(await dial(test.server, "wrong")).toEqual({ status: 429 });
  const { status, socket } = await dial(test.server, test.token);
  expect(status).toBe(101);
  socket?.destroy();
});

test("an agent can reach only its own service on its connection", async () => {
  await using test = await start();
  const { socket } = await dial(test.server, test.token);
  const address = await addressOf(socket!, test.stack);
  const metadata = () => ({
    "coder-agent-token": test.token,
    "coder-proxy-token": PROXY_TOKEN,
    "coder-provisioner-daemon-psk": PSK,
  });
  const options = { address, metadata };
  const agent = createGrpcClient(AgentService, options);
  const proxy = createGrpcClient(ProxyService, options);
  const daemon = createGrpcClient(ProvisionerDaemonService, options);
  test.stack.defer(() => [agent, proxy, daemon].forEach((client) => void client.close()));
  expect(await agent.getManifest({})).toMatchObject({ agentId: test.agentId });
  const lookup = proxy.lookupRoute({ agentId: test.agentId });
  await expect(lookup).rejects.toMatchObject({ code: "unimplemented" });
  await expect(daemon.acquireJobs({})).rejects.toMatchObject({ code: "unimplemented" });
});

test("an agent has a limited number of connections: a new one replaces the oldest", async () => {
  await using test = await start();
  const sockets: Duplex[] = [];
  for (let i = 0; i < 4; i++) sockets.push((await dial(test.server, test.token)).socket!.resume());
  const closed = once(sockets[0]!, "close");
  sockets.push((await dial(test.server, test.token)).socket!.resume());
  await closed;
  expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, false, false, false, false]);
  for (const socket of sockets) socket.destroy();
});

import { randomUUID } from "node:crypto";
import { createGrpcClient } from "@fleet/proto-gen";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { startPrivateRedis, waitFor } from "@fleet/testkit";
import { Redis } from "ioredis";
import { createAgentWorkspace, createTestProxy } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { startProvisioner } from "../testing/work.js";

test("a route is found, survives a Redis flush, and is removed with its holder", async () => {
  await using redis = await startPrivateRedis();
  await using server = await createTestCoderd({ env: { CODER_REDIS_URL: redis.url } });
  await server.owner();
  using holder = await createTestProxy(server);
  using other = await createTestProxy(server);
  const agentId = randomUUID();
  const routes = async () => (await other.client.lookupRoute({ agentId })).routes;

  expect(await routes()).toEqual([]);
  await holder.hold(agentId);
  const [route] = await waitFor(
    async () => {
      const found = await routes();
      return found.length > 0 ? found : undefined;
    },
    { what: "the route" },
  );
  await waitFor(() => other.messages.some((message) => message.case === "routeChanged"), {
    what: "the other proxy to hear of it",
  });

  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
  expect(await routes()).toEqual([route]);

  holder[Symbol.dispose]();
  await waitFor(async () => (await routes()).length === 0, { what: "the route to go with its holder" });
});

test("calls without a proxy token are rejected", async () => {
  await using server = await createTestCoderd();
  for (const token of [undefined, "wrong", `${randomUUID()}:${"0".repeat(64)}`]) {
    const client = createGrpcClient(ProxyService, {
      address: server.coderd.grpcAddress,
      metadata: (): Record<string, string> => (token ? { "coder-proxy-token": token } : {}),
    });
    const lookup = client.lookupRoute({ agentId: randomUUID() });
    await expect(lookup).rejects.toMatchObject({ code: "unauthenticated" });
    client.close();
  }
});

test("a stream to an agent requires access to its workspace", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const [ana, ben] = [
    await server.user(owner, { username: "ana" }),
    await server.user(owner, { username: "ben" }),
  ];
  const templateAdmin = await server.user(owner, { roles: ["template-admin"] });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const { agentId, workspace } = await createAgentWorkspace(owner, ana);
  using proxy = await createTestProxy(server);
  const authorize = (sessionToken: string, id = agentId) =>
    proxy.client.authorizeAgent({ agentId: id, sessionToken, kind: "ssh" });

  expect(await authorize(ana.token)).toMatchObject({ workspaceId: workspace.id, username: "ana" });
  await authorize(owner.token);
  const refusals = await Promise.all([
    authorize(ben.token).catch((error: unknown) => error),
    authorize(ana.token, randomUUID()).catch((error: unknown) => error),
  ]);
  expect(refusals[0]).toMatchObject({ code: "not_found" });
  expect(String(refusals[0])).toBe(String(refusals[1]));
  await expect(authorize(templateAdmin.token)).rejects.toMatchObject({ code: "permission_denied" });
  await expect(authorize("")).rejects.toMatchObject({ code: "unauthenticated" });

  const body = { url: "", agentID: agentId };
  const { signed_token: signedAppToken } = await ana.client.ptySignedToken({ body });
  const signed = (kind: string, id = agentId) =>
    proxy.client.authorizeAgent({ agentId: id, sessionToken: "", signedAppToken, kind });
  expect(await signed("pty")).toMatchObject({ workspaceId: workspace.id, username: "ana" });
  await expect(signed("ssh")).rejects.toMatchObject({ code: "unauthenticated" });
  await expect(signed("pty", randomUUID())).rejects.toMatchObject({ code: "not_found" });
});

import { once } from "node:events";
import { request } from "node:http";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { AGENT_ID, fetchFrom, openStream, startFleet, USER_TOKEN } from "../testing/fleet.js";

const PATH = "/@ana/dev.main/apps/web";
const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };

async function twoReplicas() {
  const fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const other = await fleet.addReplica();
  return { ...fleet, web, other, [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose]() };
}

test("a client at one replica reaches the agent at another through one tunnel between them", async () => {
  await using fleet = await twoReplicas();
  await fleet.connectAgent();
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      fetchFrom(fleet.other.address, `${PATH}/${i}`, { headers: signedIn }),
    ),
  );
  expect(replies.map(({ text }) => JSON.parse(text).url)).toEqual(replies.map((_, i) => `/${i}`));
  expect(fleet.coderd.lookups).toBe(1);

  const socket = new WebSocket(`ws://${fleet.other.address}${PATH}/ws`, { headers: signedIn });
  await once(socket, "open");
  socket.send("there");
  const [message] = await once(socket, "message");
  expect(String(message)).toBe("there");
  socket.close();

  const sent = Buffer.alloc(8_000_000, "0123456789abcdef-");
  fleet.web.handler = (incoming, response) => void incoming.pipe(response);
  const echoed = await fetchFrom(fleet.other.address, `${PATH}/`, {
    method: "PUT",
    headers: signedIn,
    body: sent,
  });
  expect(echoed.body.equals(sent)).toBe(true);
});

test("an app's refusal is reported as such, not as a lost agent", async () => {
  await using fleet = await twoReplicas();
  await fleet.connectAgent();
  await fleet.web[Symbol.asyncDispose]();
  const reply = await fetchFrom(fleet.other.address, `${PATH}/`, {
    headers: { ...signedIn, Accept: "text/html" },
  });
  expect(reply.text).toContain("web is not listening");
});

test("an agent that moves is found again", async () => {
  await using fleet = await twoReplicas();
  const agent = await fleet.connectAgent();
  const get = () => fetchFrom(fleet.other.address, `${PATH}/`, { headers: signedIn });
  expect((await get()).status).toBe(200);
  agent.tunnel.close();
  await waitFor(async () => (await get()).status === 502, { what: "the agent to be lost" });
  await fleet.connectAgent({ proxy: fleet.other.address });
  expect((await get()).status).toBe(200);
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
});

test("a draining replica closes resumable streams immediately, including those of other replicas' clients", async () => {
  await using fleet = await twoReplicas();
  await fleet.connectAgent({ serve: (stream) => void stream.write("ready\n") });
  const path = `/api/v2/workspaceagents/${AGENT_ID}/ssh`;
  const [plain, resumable] = await Promise.all([
    openStream(fleet.other.address, path),
    openStream(fleet.other.address, `${path}?resumable=1`),
  ]);
  await Promise.all([once(plain, "data"), once(resumable, "data")]);
  const cut = once(resumable, "close");
  const drained = fleet.proxy.drain();
  await cut;
  expect(plain.destroyed).toBe(false);
  plain.destroy();
  await drained;
});

test("an agent that is moving to another replica is waited for", async () => {
  await using fleet = await twoReplicas();
  const agent = await fleet.connectAgent();
  const get = () => fetchFrom(fleet.other.address, `${PATH}/`, { headers: signedIn });
  expect((await get()).status).toBe(200);
  fleet.coderd.agentExpected = true;
  // Whatever the app is asked meanwhile breaks with the tunnel, and is asked again.
  const asked = Promise.withResolvers<void>();
  const { handler } = fleet.web;
  fleet.web.handler = () => asked.resolve();
  const broken = get();
  await asked.promise;
  fleet.web.handler = handler;
  agent.tunnel.close();
  const lookups = fleet.coderd.lookups;
  const waiting = get();
  await waitFor(() => fleet.coderd.lookups >= lookups + 3, { what: "the agent to be looked for" });
  await fleet.connectAgent();
  expect((await waiting).status).toBe(200);
  expect((await broken).status).toBe(200);
});

test("two replicas that each believe the other holds the agent do not relay in a loop", async () => {
  await using fleet = await twoReplicas();
  for (const { agents } of fleet.coderd.replicas.values()) agents.set(AGENT_ID, 1n);
  const reply = await fetchFrom(fleet.other.address, `${PATH}/`, {
    headers: { ...signedIn, Accept: "text/html" },
  });
  expect(reply.text).toContain("agent is not connected");
});

test("a relay accepts only replicas of this deployment", async () => {
  await using fleet = await twoReplicas();
  const [replicaId] = [...fleet.coderd.replicas.keys()];
  const knock = async (headers: Record<string, string>) => {
    const knocking = request(`http://${fleet.proxy.relayAddress}/`, {
      headers: { Connection: "Upgrade", Upgrade: "coder-relay/1", ...headers },
    });
    knocking.end();
    const [response] = await once(knocking, "response");
    response.resume();
    return response.statusCode;
  };
  expect(await knock({})).toBe(401);
  expect(await knock({ "Coder-Relay-Token": "wrong" })).toBe(401);
  expect(
    await knock({ "Coder-Relay-Token": "relay-secret", "Coder-Relay-Replica": `not-${replicaId}` }),
  ).toBe(421);
  expect((await fetchFrom(fleet.proxy.relayAddress!, "/")).status).toBe(404);
});

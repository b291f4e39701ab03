import { systemClock } from "@fleet/base";
import { waitFor } from "@fleet/testkit";
import { AGENT_ID, fetchFrom, startFleet, USER_TOKEN, WORKSPACE_ID } from "../testing/fleet.js";

const PATH = "/@ana/dev.main/apps/web";
const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };
type Fleet = Awaited<ReturnType<typeof startFleet>>;
const agentsOf = (fleet: Fleet) =>
  [...fleet.coderd.replicas.values()].flatMap(({ agents }) => [...agents.keys()]);

test("after a coderd restart every agent is announced again, and keeps its tunnel", async () => {
  await using fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent();
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
  fleet.coderd.stop();
  // Who was let in a moment ago is let in while coderd is away.
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
  await fleet.coderd.start();
  await waitFor(() => agentsOf(fleet).includes(AGENT_ID), { what: "the agent to be announced again" });
  expect(agent.tunnel.stats().streams).toBeGreaterThanOrEqual(0);
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
});

test("the agent's newer tunnel replaces the older one", async () => {
  await using fleet = await startFleet();
  const older = await fleet.connectAgent();
  const newer = await fleet.connectAgent();
  expect(await older.tunnel.closed).toMatchObject({ code: "peer_closed" });
  await newer.tunnel.ping();
  await waitFor(() => agentsOf(fleet).length === 1, { what: "one agent to be announced" });
});

test("an agent whose build has ended is disconnected", async () => {
  await using fleet = await startFleet();
  const agent = await fleet.connectAgent();
  fleet.coderd.agentTokens.clear();
  await fleet.coderd.push({ case: "accessChanged", value: { subjects: [`workspace:${WORKSPACE_ID}`] } });
  expect((await agent.tunnel.closed).message).toContain("has ended");
  await waitFor(() => agentsOf(fleet).length === 0, { what: "the agent to be withdrawn" });
});

test("an unknown token opens no tunnel; an unreachable coderd is reported as such", async () => {
  await using fleet = await startFleet();
  await expect(fleet.connectAgent({ token: "wrong" })).rejects.toThrow("401");
  fleet.coderd.stop();
  await expect(fleet.connectAgent()).rejects.toThrow(/503 .*control plane/);
});

test("a tunnel also works inside a WebSocket", async () => {
  await using fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  await fleet.connectAgent({ webSocket: true });
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
});

test("a drain disconnects agents, finishes the open download, and accepts nothing new", async () => {
  await using fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent();
  const finish = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  web.handler = (_request, response) => {
    response.write("first ");
    started.resolve();
    void finish.promise.then(() => response.end("last"));
  };
  const download = fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  await started.promise;
  const drained = fleet.proxy.drain();
  await agent.drained;
  expect(fleet.proxy.notReady()).toContain("draining");
  await expect(fetchFrom(fleet.proxy.address, "/")).rejects.toThrow("ECONNREFUSED");
  finish.resolve();
  expect((await download).text).toBe("first last");
  await drained;
});

test("a drain keeps serving during its delay; agents move before that", async () => {
  const turnedAway = Promise.withResolvers<void>();
  const delayMs = 12_345;
  const sleep = (ms: number, signal?: AbortSignal) =>
    ms === delayMs ? turnedAway.promise : systemClock.sleep(ms, signal);
  await using fleet = await startFleet({ clock: { ...systemClock, sleep }, drainDelayMs: delayMs });
  const other = await fleet.addReplica();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent();
  const get = (address: string) => fetchFrom(address, `${PATH}/`, { headers: signedIn });
  const drained = fleet.proxy.drain();
  await agent.drained;
  expect(fleet.proxy.notReady()).toContain("draining");
  // Nobody has the agent but this replica: both reach it through it still.
  expect((await get(other.address)).status).toBe(200);
  const answer = await get(fleet.proxy.address);
  expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
  await expect(fleet.connectAgent()).rejects.toThrow("503");

  await fleet.connectAgent({ proxy: other.address });
  turnedAway.resolve();
  await drained;
  await expect(get(fleet.proxy.address)).rejects.toThrow("ECONNREFUSED");
  expect((await get(other.address)).status).toBe(200);
});

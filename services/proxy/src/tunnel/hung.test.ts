import { startRelay, waitFor } from "@fleet/testkit";
import { AGENT_ID, fetchFrom, startFleet, USER_TOKEN } from "../testing/fleet.js";

const PATH = "/@ana/dev.main/apps/web/";
const LIMITS = { keepaliveMs: 100, deadAfterMs: 300 };

test("an agent with a black-holed connection is dropped, and a request to it gets an error page", async () => {
  await using fleet = await startFleet({ tunnelLimits: LIMITS });
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  await using relay = await startRelay({ port: Number(fleet.proxy.address.split(":")[1]) });
  await fleet.connectAgent({ proxy: `127.0.0.1:${relay.port}` });
  const request = (method: string) =>
    fetchFrom(fleet.proxy.address, PATH, {
      method,
      headers: { Cookie: `coder_session_token=${USER_TOKEN}`, Accept: "text/html", "Content-Length": 0 },
    });
  expect((await request("POST")).status).toBe(200);

  relay.swallow();
  const page = await request("POST");
  expect(page.status).toBe(502);
  expect(page.text).toContain("<h1>The workspace&#39;s agent is not connected</h1>");
  await waitFor(() => [...fleet.coderd.replicas.values()].every(({ agents }) => !agents.has(AGENT_ID)), {
    what: "coderd to be told",
  });

  relay.restore();
  await fleet.connectAgent({ proxy: `127.0.0.1:${relay.port}` });
  expect((await request("POST")).status).toBe(200);
});

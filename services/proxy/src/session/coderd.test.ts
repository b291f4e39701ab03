import { APP_KEY_PARAMETER } from "../apps/target.js";
import { AGENT_ID, fetchFrom, openStream, startFleet, USER_TOKEN } from "../testing/fleet.js";

const PATH = "/@ana/dev.main/apps/web";
const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };
const STREAM = `/api/v2/workspaceagents/${AGENT_ID}/ssh`;

test("requests for apps and streams while coderd is away are served once it is back", async () => {
  await using fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  await fleet.connectAgent();
  fleet.coderd.stop();
  const asked = Promise.all([
    fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn }),
    openStream(fleet.proxy.address, STREAM).catch((error: Error) => error.message),
  ]);
  const answered = await Promise.race([
    asked.then(() => true),
    new Promise((resolve) => setImmediate(resolve)),
  ]);
  expect(answered).toBeUndefined();
  await fleet.coderd.start();
  const [page, refusal] = await asked;
  expect(page.status).toBe(200);
  expect(refusal).toContain("No ssh here."); // The agent's own word: it was reached.
});

test("an agent that dials while coderd is away is accepted once it is back", async () => {
  await using fleet = await startFleet();
  fleet.coderd.stop();
  const dialing = fleet.connectAgent();
  await fleet.coderd.start();
  await (await dialing).tunnel.ping();
});

test("calls to a coderd without its database are retried", async () => {
  await using fleet = await startFleet();
  const web = await fleet.startWeb();
  fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  await fleet.connectAgent();
  fleet.coderd.outages = 3;
  expect((await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).status).toBe(200);
  expect(fleet.coderd.outages).toBe(0);
});

test("calls that coderd may have acted on are not retried", async () => {
  await using fleet = await startFleet();
  fleet.coderd.appKeys.set("key", { hostname: "web--main--dev--ana.apps.test", sessionToken: USER_TOKEN });
  fleet.coderd.outages = 1;
  const path = `/?${APP_KEY_PARAMETER}=key`;
  const headers = { Host: "web--main--dev--ana.apps.test", Accept: "text/html" };
  const reply = await fetchFrom(fleet.proxy.address, path, { headers });
  expect(reply.status).toBe(503);
  expect(fleet.coderd).toMatchObject({ outages: 0, appKeys: new Map([["key", expect.anything()]]) });
});

import { once } from "node:events";
import type { Readable } from "node:stream";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import {
  AGENT_ID,
  openStream,
  startFleet,
  startRequest,
  USER_ID,
  USER_TOKEN,
  WORKSPACE_ID,
} from "../testing/fleet.js";

const AGENT = `/api/v2/workspaceagents/${AGENT_ID}`;
const PATH = "/@ana/dev.main/apps/web";
const HOST = "web--main--dev--ana.apps.test";
const signedIn = { Cookie: `coder_session_token=${USER_TOKEN}` };
const onHost = { Host: HOST, Cookie: `coder_subdomain_app_session_token=${USER_TOKEN}` };

type Fleet = Awaited<ReturnType<typeof startWithApp>>;
/** Tells whether the stream has ended. */
type Open = (address: string, fleet: Fleet) => Promise<() => boolean>;

async function startWithApp() {
  const fleet = await startFleet();
  const web = await fleet.startWeb();
  // An answer that goes on for ever: a stream of events, or a long download.
  web.handler = (request, response) => {
    if (request.url === "/events") response.write("data: 1\n\n");
    else response.end();
  };
  const app = fleet.addApp({ slugOrPort: "web", url: `http://127.0.0.1:${web.port}` });
  const agent = await fleet.connectAgent({ serve: (stream) => void stream.pipe(stream) });
  return { ...fleet, web, app, agent, [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose]() };
}

const raw =
  (path: string): Open =>
  async (address) =>
    endOf(await openStream(address, path));
const events =
  (path: string, headers: Record<string, string>): Open =>
  async (address) => {
    const response = await startRequest(address, path, { headers });
    expect(response.statusCode).toBe(200);
    return endOf(response);
  };
const socket =
  (path: string, headers: Record<string, string>): Open =>
  async (address) => {
    const webSocket = new WebSocket(`ws://${address}${path}`, { headers });
    webSocket.on("error", () => {});
    await once(webSocket, "open");
    return () => webSocket.readyState === webSocket.CLOSED;
  };

function endOf(stream: Readable): () => boolean {
  let ended = false;
  stream.on("error", () => {});
  stream.on("close", () => {
    ended = true;
  });
  stream.resume();
  return () => ended;
}

const STREAMS: Record<string, Open> = {
  "an SSH session": raw(`${AGENT}/ssh`),
  "an SSH session that outlives its connection": raw(`${AGENT}/ssh?resumable=1`),
  "an SSH session inside a WebSocket": socket(`${AGENT}/ssh`, { "Coder-Session-Token": USER_TOKEN }),
  "a port forward": async (address, { web }) =>
    endOf(await openStream(address, `${AGENT}/forward?target=127.0.0.1:${web.port}`)),
  "a terminal": socket(`${AGENT}/pty?reconnect=44444444-4444-4444-8444-444444444444`, {
    "Coder-Session-Token": USER_TOKEN,
  }),
  "a WebSocket of an app": socket(`${PATH}/ws`, signedIn),
  "a response of an app": events(`${PATH}/events`, signedIn),
  "a response of an app on its host": events("/events", onHost),
  "a response of an app, opened by its signed token": async (address, fleet) => {
    await startRequest(address, "/", { headers: onHost });
    const token = await fleet.coderd.signedToken(fleet.app);
    return events("/events", { Host: HOST, Cookie: `coder_signed_app_token=${token}` })(address, fleet);
  },
};

const openAll = async (address: string, fleet: Fleet) =>
  Promise.all(
    Object.entries(STREAMS).map(async ([name, open]) => ({ name, ended: await open(address, fleet) })),
  );
const openOf = (streams: Awaited<ReturnType<typeof openAll>>) =>
  streams.filter(({ ended }) => !ended()).map(({ name }) => name);

function endUser({ coderd }: Fleet): void {
  coderd.userTokens.clear();
  for (const app of coderd.apps) app.tokens = [];
}

test.each([
  ["key", `key:${USER_TOKEN}`],
  ["user", `user:${USER_ID}`],
  ["workspace", `workspace:${WORKSPACE_ID}`],
])(
  "every kind of stream ends on every replica when its %s says so, and stays while coderd says that it holds",
  async (_, subject) => {
    await using fleet = await startWithApp();
    const other = await fleet.addReplica();
    const streams = [
      ...(await openAll(fleet.proxy.address, fleet)),
      ...(await openAll(other.address, fleet)),
    ];
    const tell = (subjects: string[]) => fleet.coderd.push({ case: "accessChanged", value: { subjects } });
    const checked = fleet.coderd.checked;
    await tell([subject]);
    await waitFor(() => fleet.coderd.checked >= checked + streams.length, { what: "coderd to be asked" });
    expect(openOf(streams)).toHaveLength(streams.length);

    endUser(fleet);
    await tell(["user:somebody-else", "workspace:another"]);
    await fleet.agent.tunnel.ping();
    expect(openOf(streams)).toHaveLength(streams.length);
    await tell([subject]);
    await waitFor(() => openOf(streams).length === 0, { what: "the streams to end", timeoutMs: 5_000 });
  },
);

test("access revoked while the proxy was disconnected ends once it reconnects", async () => {
  await using fleet = await startWithApp();
  const streams = await openAll(fleet.proxy.address, fleet);
  fleet.coderd.stop();
  endUser(fleet);
  await fleet.coderd.start();
  await waitFor(() => openOf(streams).length === 0, { what: "the streams to end" });
});

test("streams stay open while access cannot be checked, and end once it is denied", async () => {
  await using fleet = await startWithApp();
  const streams = await openAll(fleet.proxy.address, fleet);
  endUser(fleet);
  fleet.coderd.outages = 3;
  await fleet.coderd.push({ case: "accessChanged", value: { all: true } });
  await waitFor(() => fleet.coderd.outages < 3, { what: "coderd to be asked" });
  expect(openOf(streams)).toHaveLength(streams.length);
  await waitFor(() => openOf(streams).length === 0, { what: "the streams to end" });
});

test("a stream ends when its key expires, unless that was extended", async () => {
  await using fleet = await startWithApp();
  fleet.coderd.keysEndAtMs = Date.now() + 500;
  const streams = await openAll(fleet.proxy.address, fleet);
  const checked = fleet.coderd.checked;
  fleet.coderd.keysEndAtMs = Date.now() + 2_500;
  await waitFor(() => fleet.coderd.checked >= checked + streams.length - 1, { what: "coderd to be asked" });
  expect(openOf(streams)).toHaveLength(streams.length);
  endUser(fleet);
  await waitFor(() => openOf(streams).length <= 1, { what: "the streams to end" });
  // The signed token says itself when its key ends, an hour from here.
  expect(openOf(streams)).toEqual(["a response of an app, opened by its signed token"]);
});

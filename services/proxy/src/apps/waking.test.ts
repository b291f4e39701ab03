import { once } from "node:events";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { browser, fleetWithApp, onHost } from "../testing/app.js";
import { fetchFrom, startRequest, WORKSPACE_ID } from "../testing/fleet.js";
import { createSocketInput } from "./socket-input.js";

/** A person who opens a page: browsers say so. */
const opens = { ...onHost, ...browser, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-User": "?1" };
const polls = { ...onHost, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin" };

async function stoppedFleet() {
  const fleet = await fleetWithApp();
  fleet.coderd.workspaces = "stopped";
  const get = (headers: Record<string, string>, options: object = {}) =>
    fetchFrom(fleet.proxy.address, "/", { headers, ...options });
  return { ...fleet, get, [Symbol.asyncDispose]: () => fleet[Symbol.asyncDispose]() };
}

test("a browser that opens an app of a stopped workspace shows that it starts, and reloads", async () => {
  await using fleet = await stoppedFleet();
  const first = await fleet.get(opens);
  expect(first.status).toBe(503);
  expect(first.headers).toMatchObject({ refresh: "2", "x-coder-error": "workspace_starting" });
  expect(first.text).toMatch(/Starting the workspace.*role="progressbar"/s);
  expect(fleet.coderd.woken).toEqual([WORKSPACE_ID]);
  // The page reloads by itself, which starts nothing.
  const { "Sec-Fetch-User": _, ...reloads } = opens;
  expect((await fleet.get(reloads)).headers).toMatchObject({ refresh: "2" });
  fleet.coderd.workspaces = "running";
  expect((await fleet.get(reloads)).status).toBe(200);
  expect(fleet.coderd.woken).toHaveLength(1);
});

test("other requests wait until the workspace runs, and then reach the app with their bodies", async () => {
  await using fleet = await stoppedFleet();
  const clients = Array.from({ length: 5 }, () => fleet.get(onHost, { method: "POST", body: "hello" }));
  await waitFor(() => fleet.coderd.woken.length > 0, { what: "the workspace to be woken" });
  fleet.coderd.workspaces = "running";
  for (const { status, text } of await Promise.all(clients)) {
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ method: "POST", bytes: 5 });
  }
  // Each has asked at most once.
  expect(fleet.coderd.woken.length).toBe(1);
});

test("a client that gives up is forgotten", async () => {
  await using fleet = await stoppedFleet();
  const abandoned = new AbortController();
  const waiting = startRequest(fleet.proxy.address, "/", { headers: onHost, signal: abandoned.signal });
  await waitFor(() => fleet.coderd.woken.length > 0, { what: "the workspace to be woken" });
  abandoned.abort();
  await expect(waiting).rejects.toThrow();
  fleet.coderd.workspaces = "running";
  expect((await fleet.get(onHost)).status).toBe(200);
  expect(fleet.web.requests).toHaveLength(1);
});

test("a page that is merely open wakes nothing, nor does a prefetch or a navigation that nobody asked for", async () => {
  await using fleet = await stoppedFleet();
  const { "Sec-Fetch-User": _, ...scripted } = opens;
  for (const headers of [polls, scripted, { ...opens, "Sec-Purpose": "prefetch" }]) {
    const reply = await fleet.get(headers);
    expect([reply.status, reply.headers.refresh]).toEqual([400, undefined]);
  }
  const socket = new WebSocket(`ws://${fleet.proxy.address}/`, { headers: { ...polls, Origin: "http://x" } });
  await once(socket, "error");
  expect(fleet.coderd.woken).toEqual([]);
});

test("where it may not be started, the answer says why", async () => {
  await using fleet = await stoppedFleet();
  fleet.coderd.wakeRefusal = "This workspace is dormant. Activate it before you start it.";
  const page = await fleet.get(opens);
  expect(page.text).toContain("This workspace is dormant.");
  expect(page.headers.refresh).toBeUndefined();
  fleet.coderd.wakes = false;
  expect((await fleet.get(onHost)).text).toContain("is stopped");
});

/** A client's frame, masked with zeros. */
function frame(opcode: number, bytes: number): Buffer {
  const length = bytes < 126 ? [bytes] : [126, bytes >> 8, bytes & 255];
  return Buffer.from([
    0x80 | opcode,
    0x80 | length[0]!,
    ...length.slice(1),
    0,
    0,
    0,
    0,
    ...Array(bytes).fill(1),
  ]);
}

test("typing on a WebSocket is input; heartbeats and pings are not, however the bytes arrive", () => {
  const inputsOf = (frames: [atMs: number, frame: Buffer][], size: number) => {
    let inputs = 0;
    let nowMs = 0;
    const push = createSocketInput(
      () => (inputs += 1),
      () => nowMs,
    );
    for (const [atMs, bytes] of frames) {
      nowMs = atMs;
      for (let at = 0; at < bytes.length; at += size) push(bytes.subarray(at, at + size));
    }
    return inputs > 0;
  };
  const every = (ms: number, one: Buffer, count = 20) =>
    Array.from({ length: count }, (_, i): [number, Buffer] => [i * ms, one]);
  for (const size of [1, 3, 7, 1_000]) {
    expect(inputsOf(every(5_000, frame(2, 13)), size)).toBe(false);
    expect(inputsOf(every(100, frame(9, 4)), size)).toBe(false);
    expect(inputsOf(every(25_000, frame(1, 1)), size)).toBe(false);
    expect(inputsOf(every(200, frame(1, 2), 5), size)).toBe(true);
    expect(inputsOf([[0, frame(2, 5_000)]], size)).toBe(true);
  }
});

test("coderd is told when the user of an app did something last", async () => {
  await using fleet = await fleetWithApp();
  const inputs = async () => {
    await fleet.proxy.close();
    return fleet.coderd.reported.map(({ lastInputAtMs }) => lastInputAtMs > 0n);
  };
  await fetchFrom(fleet.proxy.address, "/", { headers: polls });
  expect(await inputs()).toEqual([false]);
  await using another = await fleetWithApp();
  await fetchFrom(another.proxy.address, "/", { headers: opens });
  await another.proxy.close();
  expect(another.coderd.reported.every(({ lastInputAtMs }) => lastInputAtMs > 0n)).toBe(true);
});

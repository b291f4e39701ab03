import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import type { TunnelStream } from "@fleet/tunnel";
import { createWebSocketStream, WebSocket } from "ws";
import { listenLocal } from "../testing/coderd.js";
import { AGENT_ID, fetchFrom, openStream, startFleet, USER_TOKEN } from "../testing/fleet.js";

const SSH = `/api/v2/workspaceagents/${AGENT_ID}/ssh`;
const FORWARD = `/api/v2/workspaceagents/${AGENT_ID}/forward`;

/** Says what it heard, once the other side has ended. */
function serveEcho(stream: TunnelStream): void {
  stream.write("ready\n");
  void text(stream).then((heard) => stream.end(`${stream.header.kind} heard ${heard}`));
}

test("an SSH stream carries both directions and keeps half-close", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent({ serve: serveEcho });
  const stream = await openStream(fleet.proxy.address, SSH);
  stream.end("SSH-2.0-test");
  expect(await text(stream)).toBe("ready\nssh heard SSH-2.0-test");
});

test("a client can request a resumable stream; a drain closes it immediately", async () => {
  await using fleet = await startFleet({ drainMs: 500 });
  const asked: (string | undefined)[] = [];
  await fleet.connectAgent({
    serve(stream) {
      asked.push(stream.header.meta?.resumable);
      stream.write("ready\n");
    },
  });
  const plain = await openStream(fleet.proxy.address, SSH);
  const resumable = await openStream(fleet.proxy.address, `${SSH}?resumable=1`);
  await openStream(fleet.proxy.address, `${SSH}?resumable=evil`);
  expect(asked).toEqual([undefined, "1", undefined]);
  const cut = once(resumable.resume(), "close");
  const draining = fleet.proxy.drain();
  await cut;
  expect(plain.destroyed).toBe(false);
  await draining;
});

test("a stream also works inside a WebSocket", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent({ serve: (stream) => void stream.pipe(stream) });
  const socket = new WebSocket(`ws://${fleet.proxy.address}${SSH}`, {
    headers: { "Coder-Session-Token": USER_TOKEN },
  });
  const stream = createWebSocketStream(socket);
  const sent = Buffer.alloc(1_000_000, "0123456789abcdef-");
  stream.write(sent);
  let heard = 0;
  for await (const chunk of stream) {
    heard += (chunk as Buffer).length;
    if (heard === sent.length) break;
  }
  expect(heard).toBe(sent.length);
});

test("a forward reaches a port in the workspace", async () => {
  await using fleet = await startFleet();
  await fleet.connectAgent();
  const server = createServer((socket) => socket.end("from the workspace"));
  const port = await listenLocal(server as never);
  const stream = await openStream(fleet.proxy.address, `${FORWARD}?target=127.0.0.1:${port}`);
  expect(await text(stream)).toBe("from the workspace");
  server.close();
  await expect(openStream(fleet.proxy.address, `${FORWARD}?target=127.0.0.1:${port}`)).rejects.toThrow(
    "503 ",
  );
});

test("each refusal is an HTTP response before the upgrade", async () => {
  await using fleet = await startFleet();
  const { address } = fleet.proxy;
  const agent = await fleet.connectAgent();
  await expect(openStream(address, SSH, { "Coder-Session-Token": "" })).rejects.toThrow(
    /401 .*not signed in/,
  );
  await expect(openStream(address, SSH, { "Coder-Session-Token": "wrong" })).rejects.toThrow("401");
  await expect(openStream(address, SSH.replace("1111", "2222"))).rejects.toThrow("404");
  await expect(openStream(address, `${FORWARD}?target=nonsense`)).rejects.toThrow(/400 .*target=127/);
  await expect(openStream(address, `${FORWARD}?target=127.0.0.1:4`)).rejects.toThrow("400");
  await expect(openStream(address, `${FORWARD}?target=127.0.0.1:80&network=sctp`)).rejects.toThrow(
    /400 .*Valid values: tcp, udp/,
  );
  await expect(openStream(address, SSH, { Upgrade: "telnet" })).rejects.toThrow("426");
  expect((await fetchFrom(address, SSH)).status).toBe(426);
  await expect(
    openStream(address, SSH, {
      "Coder-Session-Token": "",
      Cookie: `coder_session_token=${USER_TOKEN}`,
      Origin: "http://evil--main--dev--bob.apps.test",
    }),
  ).rejects.toThrow("403");
  agent.tunnel.close();
  await agent.tunnel.closed;
  await expect(openStream(address, SSH)).rejects.toThrow(/503 .*agent is not connected/);
});

test("a lost agent ends its streams", async () => {
  await using fleet = await startFleet();
  const agent = await fleet.connectAgent({ serve: (stream) => void stream.write("hello") });
  const stream = await openStream(fleet.proxy.address, SSH);
  await once(stream, "data");
  const closed = once(stream, "close");
  agent.tunnel.close();
  await closed;
});

test("plain sessions at a draining replica get a notice, wherever the agent's tunnel is", async () => {
  await using fleet = await startFleet({ drainMs: 500 });
  const other = await fleet.addReplica({ drainMs: 500 });
  const headers: TunnelStream["header"][] = [];
  const agent = await fleet.connectAgent({
    serve(stream) {
      headers.push(stream.header);
      stream.write("ready\n");
    },
  });
  await openStream(other.address, SSH);
  await openStream(other.address, `${SSH}?resumable=1`);
  await other.drain();
  const [plain, , notice] = headers;
  expect(plain!.meta!.session).toMatch(/^[0-9a-f-]{36}$/);
  expect(headers).toHaveLength(3);
  expect(notice).toMatchObject({ kind: "notice", target: plain!.meta!.session });
  expect(notice!.meta!.line).toContain("closed within 1 seconds");

  const drained = fleet.proxy.drain();
  expect(await agent.drained).toContain("is restarting");
  await drained;
});

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { createHostile } from "@fleet/testkit";
import type { StreamHeader } from "@fleet/tunnel";
import { startAgent, type TestAgent } from "./testing/agent.js";
import { execute, sshClient } from "./testing/ssh.js";
import { waitFor } from "./testing/wait.js";

/*
 * Whatever a client, an app or a script sends, the agent serves on: everybody's shells live in it. An error that nobody
 * handles fails the test by itself (scripts/lint/unhandled.test.ts).
 */

const ROUNDS = 60;

async function expectServing(agent: TestAgent): Promise<void> {
  const client = await sshClient(agent);
  expect(String((await execute(client, "echo served")).stdout)).toBe("served\n");
  client.end();
}

/** Opens a stream for each round, writes what the round gives, and ends it one way or another. */
async function throwAt(
  agent: TestAgent,
  rounds: number,
  next: () => { header: StreamHeader; bytes: Buffer; cut: boolean },
) {
  const tunnel = await agent.deployment.tunnel();
  for (let round = 0; round < rounds; round++) {
    const { header, bytes, cut } = next();
    const stream = tunnel.openNow(header);
    stream.on("error", () => {}).resume();
    if (cut) stream.write(bytes, () => setImmediate(() => stream.destroy()));
    else stream.end(bytes);
    const patience = setTimeout(() => stream.destroy(), 150);
    await once(stream, "close").catch(() => {});
    clearTimeout(patience);
  }
}

test("broken SSH, and broken frames of resumable streams", async () => {
  const hostile = createHostile(21);
  await using agent = await startAgent();
  const packet = (type: number, payload: Buffer) => {
    const body = Buffer.concat([Buffer.from([4, type]), payload, Buffer.alloc(4)]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    return Buffer.concat([head, body]);
  };
  const names = Buffer.concat(
    Array.from({ length: 10 }, () => Buffer.from("\0\0\0\x11curve25519-sha256", "latin1")),
  );
  const ssh = [
    Buffer.concat([
      Buffer.from("SSH-2.0-x\r\n"),
      packet(20, Buffer.concat([Buffer.alloc(16), names, Buffer.alloc(5)])),
    ]),
    Buffer.concat([
      Buffer.from("SSH-2.0-OpenSSH_9.9\r\n"),
      packet(30, Buffer.alloc(36)),
      packet(50, Buffer.from("root")),
    ]),
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    Buffer.from(`SSH-1.5-old\n${"x".repeat(40_000)}`),
  ];
  const frame = (type: number, payload: Buffer) =>
    Buffer.concat([Buffer.from([type, 0, 0, payload.length]), payload]);
  const hello = frame(
    1,
    Buffer.concat([Buffer.alloc(16, 7), Buffer.alloc(32, 8), Buffer.from([0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1])]),
  );
  const resumable = [
    hello,
    Buffer.concat([
      hello,
      frame(3, hostile.bytes(100)),
      frame(4, Buffer.alloc(6, 0xff)),
      frame(5, Buffer.alloc(0)),
    ]),
  ];
  await throwAt(agent, ROUNDS * 2, () => {
    const isResumable = hostile.below(2) === 0;
    const meta: Record<string, string> = isResumable ? { resumable: "1" } : { session: randomUUID() };
    const header = { kind: "ssh", target: "", meta };
    return {
      header,
      bytes: hostile.mutate(hostile.pick(isResumable ? resumable : ssh)),
      cut: hostile.below(2) === 0,
    };
  });
  await expectServing(agent);
});

test("broken terminals, notices, targets and kinds", async () => {
  const hostile = createHostile(22);
  await using agent = await startAgent();
  const app = createServer((socket) => {
    socket.on("error", () => {}).resume();
    socket.write(hostile.bytes(100));
    if (hostile.below(2)) socket.resetAndDestroy();
    else socket.end();
  });
  await once(app.listen(0, "127.0.0.1"), "listening");
  const { port } = app.address() as { port: number };
  const opening = (json: string) => {
    const length = Buffer.alloc(2);
    length.writeUInt16LE(json.length);
    return Buffer.concat([length, Buffer.from(json)]);
  };
  const pty = [
    opening(JSON.stringify({ ID: "a", Height: 1e9, Width: -1, Command: "true" })),
    opening(JSON.stringify({ ID: "b", Height: 24, Width: 80, Command: "cat" })),
  ].map((first) => Buffer.concat([first, Buffer.from('{"data":"x\\r"}{"height":1e308,"width":0}')]));
  const headers: StreamHeader[] = [
    { kind: "pty", target: "" },
    { kind: "notice", target: "nobody", meta: { line: "\x1b[2J\0" } },
    { kind: "tcp", target: `127.0.0.1:${port}` },
    { kind: "tcp", target: "unix:/\u{1f648}" },
    { kind: "tcp", target: "127.0.0.1:99999" },
    { kind: "__proto__", target: "%00" },
  ];
  await throwAt(agent, ROUNDS, () => ({
    header: hostile.pick(headers),
    bytes: hostile.mutate(hostile.pick(pty)),
    cut: hostile.below(2) === 0,
  }));
  app.close();
  await expectServing(agent);
});

test("scripts and metadata that print binary data", async () => {
  const noise = "head -c 300000 /dev/urandom; printf '\\0\\377\\033]0;x\\007'; exit 3";
  await using agent = await startAgent({
    scripts: [
      {
        id: "s",
        logSourceId: randomUUID(),
        displayName: "noise",
        script: noise,
        runOnStart: true,
        timeoutSeconds: 20,
      },
    ],
    metadata: [{ key: "m", script: noise, intervalSeconds: 1n }],
  });
  await waitFor(() => agent.deployment.calls("scriptCompleted").length > 0);
  await waitFor(() => agent.deployment.calls("batchUpdateMetadata").length > 0);
  await expectServing(agent);
});

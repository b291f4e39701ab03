import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createDatagramReader, frameDatagram } from "@fleet/tunnel/datagrams";
import { parseTarget } from "../net/target.js";
import { startAgent } from "../testing/agent.js";
import { execute, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";

test("only local ports from 9 on and unix sockets can be reached", () => {
  expect(parseTarget("localhost:8080")).toEqual({ host: "localhost", port: 8080 });
  expect(parseTarget(":9")).toEqual({ host: "localhost", port: 9 });
  expect(parseTarget("127.1.2.3:80")).toEqual({ host: "127.1.2.3", port: 80 });
  expect(parseTarget("[::1]:80")).toEqual({ host: "::1", port: 80 });
  expect(parseTarget("unix:/run/x")).toEqual({ path: "/run/x" });
  for (const bad of [
    "localhost:8",
    "10.0.0.1:80",
    "example.com:80",
    "localhost",
    "localhost:70000",
    "127.0.0.1.x:80",
  ]) {
    expect(() => parseTarget(bad)).toThrow();
  }
});

test("tcp streams reach a port and a unix socket, with half-close", async () => {
  await using agent = await startAgent();
  const tunnel = await agent.deployment.tunnel();
  const server = createServer({ allowHalfOpen: true }, async (socket) =>
    socket.end(`heard ${await text(socket)}`),
  );
  await once(server.listen(0, "127.0.0.1"), "listening");
  const stream = await tunnel.open({
    kind: "tcp",
    target: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  stream.end("you");
  expect(await text(stream)).toBe("heard you");
  server.close();

  const path = join(agent.home, "app.sock");
  const local = createServer((socket) => socket.end("local"));
  await once(local.listen(path), "listening");
  expect(await text(await tunnel.open({ kind: "tcp", target: `unix:${path}` }))).toBe("local");
  local.close();
});

test("unsupported streams are refused with a message", async () => {
  await using agent = await startAgent();
  const tunnel = await agent.deployment.tunnel();
  await expect(tunnel.open({ kind: "tcp", target: "localhost:1" })).rejects.toMatchObject({
    code: "invalid_argument",
  });
  await expect(tunnel.open({ kind: "tcp", target: "127.0.0.1:65535" })).rejects.toMatchObject({
    code: "unavailable",
    message: "Cannot connect to 127.0.0.1:65535: connection refused.",
  });
  await expect(tunnel.open({ kind: "fax", target: "" })).rejects.toMatchObject({ code: "unimplemented" });
});

test("a stalled control plane blocks no shell, and stats are sent later", async () => {
  await using agent = await startAgent({
    metadata: [{ key: "m", script: "echo 1", intervalSeconds: 1n }],
  });
  await agent.deployment.tunnel();
  agent.deployment.hang();
  const client = await sshClient(agent);
  expect(String((await execute(client, "echo quick")).stdout)).toBe("quick\n");
  client.end();
  agent.deployment.resume();
  await waitFor(() => agent.deployment.calls("reportConnection").length >= 2);
});

test("while a proxy drains, its streams continue and new ones use another tunnel", async () => {
  await using agent = await startAgent();
  const first = await agent.deployment.tunnel();
  const client = await sshClient(agent);
  const drained = first.drain();
  const second = await waitFor(async () => {
    const tunnel = await agent.deployment.tunnel();
    return tunnel === first ? undefined : tunnel;
  });
  expect(String((await execute(client, "echo old")).stdout)).toBe("old\n");
  const another = await sshClient(agent);
  expect(String((await execute(another, "echo fresh")).stdout)).toBe("fresh\n");
  expect(second.stats().streams).toBe(1);
  client.end();
  expect((await drained).code).toBe("drained");
  another.end();
});

/** Answers each datagram with its content in upper case. */
async function udpEcho(host: string): Promise<{ port: number; close(): void }> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  socket.on("message", (payload, from) =>
    socket.send(payload.toString().toUpperCase(), from.port, from.address),
  );
  socket.bind(0, host);
  await once(socket, "listening");
  return { port: socket.address().port, close: () => socket.close() };
}

test.each(["127.0.0.1", "::1"])(
  "a udp stream carries datagrams to a port of %s, each by itself",
  async (host) => {
    await using agent = await startAgent();
    const tunnel = await agent.deployment.tunnel();
    const echo = await udpEcho(host);
    const stream = await tunnel.open({ kind: "udp", target: `localhost:${echo.port}` });
    const answers: string[] = [];
    stream.on(
      "data",
      createDatagramReader((payload) => answers.push(payload.toString())),
    );
    stream.write(frameDatagram(Buffer.from("one")));
    await waitFor(() => answers.length === 1);
    stream.write(Buffer.concat([frameDatagram(Buffer.from("two")), frameDatagram(Buffer.from("three"))]));
    await waitFor(() => answers.length === 3);
    expect(answers.toSorted()).toEqual(["ONE", "THREE", "TWO"]);
    stream.destroy();
    echo.close();
  },
);

import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { waitFor } from "../testing/wait.js";

/** A client of the reconnecting terminal, in the protocol that browsers' sockets carry. */
async function attach(agent: TestAgent, id: string, command = "") {
  const stream: Duplex = await (await agent.deployment.tunnel()).open({ kind: "pty", target: "" });
  const first = Buffer.from(JSON.stringify({ ID: id, Height: 30, Width: 100, Command: command }));
  const length = Buffer.alloc(2);
  length.writeUInt16LE(first.length);
  stream.write(Buffer.concat([length, first]));
  const client = {
    stream,
    seen: "",
    send: (message: object) => stream.write(JSON.stringify(message)),
  };
  stream.on("data", (chunk) => {
    client.seen += chunk;
  });
  stream.on("error", () => {});
  return client;
}

test("a terminal survives its client, shows earlier output, and continues", async () => {
  await using agent = await startAgent();
  const id = randomUUID();
  const first = await attach(agent, id);
  first.send({ data: "marker=here; echo be$marker\r" });
  await waitFor(() => first.seen.includes("behere"));
  first.stream.destroy();
  const second = await attach(agent, id);
  await waitFor(() => second.seen.includes("behere"));
  second.send({ height: 41, width: 111 });
  second.send({ data: "echo still$marker; stty size\r" });
  await waitFor(() => second.seen.includes("stillhere") && second.seen.includes("41 111"));
});

test("a terminal survives the loss of every connection", async () => {
  await using agent = await startAgent();
  const id = randomUUID();
  const first = await attach(agent, id);
  first.send({ data: "marker=alive; echo is$marker\r" });
  await waitFor(() => first.seen.includes("isalive"));
  agent.deployment.cut();
  const second = await attach(agent, id);
  second.send({ data: "echo yet$marker\r" });
  await waitFor(() => second.seen.includes("yetalive"));
});

test("two clients share one terminal, and its end ends both", async () => {
  await using agent = await startAgent();
  const id = randomUUID();
  const first = await attach(agent, id, "read line; echo got $line");
  const second = await attach(agent, id);
  await waitFor(() => agent.deployment.calls("reportConnection").length === 2);
  second.send({ data: "text\r" });
  await waitFor(() => first.seen.includes("got text") && second.seen.includes("got text"));
  await waitFor(() => first.stream.readableEnded && second.stream.readableEnded);
});

test("a client that does not read slows down nobody, and is told that output was skipped", async () => {
  await using agent = await startAgent();
  const id = randomUUID();
  const first = await attach(agent, id);
  const stalled = await attach(agent, id);
  await waitFor(() => agent.deployment.calls("reportConnection").length === 2);
  stalled.stream.pause();
  // Far more than the windows of a tunnel take.
  const startedAt = performance.now();
  let bytes = 0;
  first.stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    first.seen = first.seen.slice(-200);
  });
  first.send({ data: "head -c 40000000 /dev/zero | tr '\\\\0' x; echo; echo do''ne\r" });
  await waitFor(() => first.seen.includes("\ndone"));
  expect(bytes).toBeGreaterThan(40_000_000);
  expect(performance.now() - startedAt).toBeLessThan(25_000);
  stalled.stream.resume();
  await waitFor(() => {
    stalled.seen = stalled.seen.slice(-300_000);
    return stalled.seen.includes("Output was skipped") && stalled.seen.includes("\ndone");
  });
});

test("a stream with an invalid start is rejected", async () => {
  await using agent = await startAgent();
  const stream = await (await agent.deployment.tunnel()).open({ kind: "pty", target: "" });
  const error = new Promise<Error>((resolve) => stream.once("error", resolve));
  stream.write(Buffer.from([2, 0, 0x7b, 0x7d]));
  expect((await error).message).toBe("The terminal's first message has no valid ID.");
});

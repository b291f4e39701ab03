import { once } from "node:events";
import { openResumable } from "@fleet/tunnel/resumable";
import ssh2 from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { waitFor } from "../testing/wait.js";

const HEADER = { kind: "ssh", target: "", meta: { resumable: "1" } };

/** An ssh2 client on a stream that outlives the agent's tunnels. */
async function resumableClient(agent: TestAgent) {
  const { resumable, stream } = await openResumable({
    connect: async () => (await agent.deployment.tunnel()).open(HEADER),
  });
  expect(resumable).toBe(true);
  const client = new ssh2.Client();
  client.on("error", () => {});
  client.connect({ sock: stream, username: "coder", strictVendor: false });
  await once(client, "ready");
  return { client, stream };
}

test("a command survives its tunnels without losing input", async () => {
  await using agent = await startAgent();
  const { client, stream } = await resumableClient(agent);
  const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
    client.exec("cat", (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  let echoed = "";
  channel.on("data", (chunk: Buffer) => {
    echoed += chunk;
  });
  for (let round = 0; round < 5; round++) {
    const before = await agent.deployment.tunnel();
    channel.write(`line ${round}\n`);
    agent.deployment.cut();
    await waitFor(async () => (await agent.deployment.tunnel()) !== before);
    await waitFor(() => echoed.endsWith(`line ${round}\n`));
  }
  expect(echoed).toBe("line 0\nline 1\nline 2\nline 3\nline 4\n");
  channel.end();
  client.end();
  await once(stream, "close");
});

test("a stopping agent tells clients that would otherwise wait for it", async () => {
  const agent = await startAgent();
  const { stream } = await resumableClient(agent);
  const error = once(stream, "error");
  await agent[Symbol.asyncDispose]();
  expect((await error)[0]).toMatchObject({ message: "The workspace is stopping." });
});

test("a client that does not speak SSH is told so, and its session is dropped", async () => {
  await using agent = await startAgent();
  const { stream } = await openResumable({
    connect: async () => (await agent.deployment.tunnel()).open(HEADER),
  });
  const error = once(stream, "error");
  stream.resume();
  stream.write("SSH-2.0-broken\r\n");
  stream.write(Buffer.alloc(256, 0xff));
  expect((await error)[0]).toMatchObject({
    message: "SSH protocol error: Bad packet length.",
  });
});

import { once } from "node:events";
import { openResumable } from "@fleet/tunnel/resumable";
import ssh2 from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { waitFor } from "../testing/wait.js";

const HEADER = { kind: "ssh", target: "", meta: { resumable: "1" } };

/** An ssh2 client on a stream that outlives the agent's tunnels. The proxy names its connections c1, c2, … */
async function resumableClient(agent: TestAgent) {
  let connections = 0;
  const { resumable, stream } = await openResumable({
    async connect() {
      const tunnel = await agent.deployment.tunnel();
      connections += 1;
      return tunnel.open({ ...HEADER, meta: { ...HEADER.meta, connection: `c${connections}` } });
    },
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

test("a session is reported with its connection, with each that follows, and with its exit code", async () => {
  await using agent = await startAgent();
  const { client } = await resumableClient(agent);
  const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) => {
    const options = { env: { CODER_SSH_SESSION_TYPE: "vscode" } };
    client.exec("read line; exit 7", options, (error, opened) => (error ? reject(error) : resolve(opened)));
  });
  // Once each: a report whose answer was cut off is sent again.
  const reports = () => {
    const calls = agent.deployment
      .calls("reportConnection")
      .map(({ streamId, action, type, exitCode }) => [streamId, action, type, exitCode]);
    return [...new Map(calls.map((call) => [call.join(), call])).values()];
  };
  await waitFor(() => reports().length === 1);
  const before = await agent.deployment.tunnel();
  agent.deployment.cut();
  await waitFor(async () => (await agent.deployment.tunnel()) !== before);
  await waitFor(() => reports().length === 2);
  channel.end("line\n");
  await waitFor(() => reports().length === 3);
  expect(reports()).toEqual([
    ["c1", "connect", "vscode", undefined],
    [expect.stringMatching(/^c[2-9]$/), "connect", "vscode", undefined],
    [reports()[1]![0], "disconnect", "vscode", 7],
  ]);
  client.end();
});

import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { nullLogger, systemClock } from "@fleet/base";
import ssh2, { type ClientChannel } from "ssh2";
import { currentUser } from "../shell/user.js";
import { createCounters } from "../stats/counters.js";
import { waitFor } from "../testing/wait.js";
import { createSshServer, generateHostKey } from "./server.js";

/** A client of an SSH server whose sessions are counted. */
async function connect() {
  const counters = createCounters();
  const server = createSshServer({
    hostKey: generateHostKey(),
    maxAgeMs: 0,
    blockFileTransfer: false,
    user: currentUser(process.env, process.platform),
    environment: () => ({ PATH: process.env.PATH! }),
    directory: tmpdir,
    motdFile: () => "",
    onSession: (type) => ({ moved() {}, ...counters.begin(type) }),
    clock: systemClock,
    logger: nullLogger,
  });
  const listener = createServer((socket) => server.accept(socket, "")).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const client = new ssh2.Client();
  client.on("error", () => {});
  const { port } = listener.address() as AddressInfo;
  client.connect({ username: "coder", host: "127.0.0.1", port, strictVendor: false });
  await once(client, "ready");
  return {
    client,
    withInput: () => counters.take().sessionsWithInput,
    /** Runs a command that says when it is ready. */
    async start(env: Record<string, string> = {}) {
      const channel = await new Promise<ClientChannel>((resolve, reject) =>
        client.exec("echo ready; cat", { env }, (error, opened) => (error ? reject(error) : resolve(opened))),
      );
      const output = { text: "" };
      channel.on("data", (chunk: Buffer) => {
        output.text += chunk;
      });
      await waitFor(() => output.text.includes("ready"));
      return { channel, output };
    },
    async [Symbol.asyncDispose]() {
      client.end();
      listener.close();
      await server.close();
    },
  };
}

test("a session has input once its client sends something, not because it is open", async () => {
  await using test = await connect();
  const { channel, output } = await test.start();
  expect(test.withInput()).toEqual([]);
  channel.write("hello\n");
  await waitFor(() => output.text.includes("hello"));
  expect(test.withInput()).toEqual(["ssh"]);
  expect(test.withInput()).toEqual([]);
});

test("an editor has input when its forwarded connection carries more than it needs to stay open", async () => {
  await using test = await connect();
  let received = 0;
  const editor = createServer((socket) =>
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        received += chunk.length;
      }),
  ).listen(0, "127.0.0.1");
  await once(editor, "listening");
  await test.start({ CODER_SSH_SESSION_TYPE: "vscode" });
  const { port } = editor.address() as AddressInfo;
  const forwarded = await new Promise<ClientChannel>((resolve, reject) =>
    test.client.forwardOut("127.0.0.1", 1, "127.0.0.1", port, (error, channel) =>
      error ? reject(error) : resolve(channel),
    ),
  );
  forwarded.write(Buffer.alloc(300));
  await waitFor(() => received === 300);
  expect(test.withInput()).toEqual([]);
  forwarded.write(Buffer.alloc(5_000));
  await waitFor(() => received === 5_300);
  expect(test.withInput()).toEqual(["vscode"]);
  forwarded.destroy();
  editor.close();
});

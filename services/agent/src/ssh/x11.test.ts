import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect, createServer, type Server } from "node:net";
import { promisify } from "node:util";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { execute, openssh, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";
import { findXauth, isSane } from "./x11.js";

const withXauth = findXauth(process.env.PATH) ? test : test.skip;

let agent: TestAgent;
beforeAll(async () => {
  agent = await startAgent();
});
afterAll(() => agent[Symbol.asyncDispose]());

/** Listens where a client of the display looks, on a port that no other display has. */
async function display(
  onConnection: Parameters<typeof createServer>[1],
): Promise<{ server: Server; name: string }> {
  for (let number = 200; ; number++) {
    const server = createServer({}, onConnection as never);
    server.listen(6_000 + number, "127.0.0.1");
    try {
      await once(server, "listening");
      return { server, name: `localhost:${number}` };
    } catch {
      // Another test's.
    }
  }
}

/** An X11 client's first words, with the credentials that xauth has for the display; prints what the server says. */
const PROGRAM = `
import os, socket, struct, subprocess
display = os.environ["DISPLAY"]
number = int(display.split(":")[1].split(".")[0])
words = subprocess.run(["xauth", "list", "unix:%d" % number], capture_output=True, text=True).stdout.split()
name, cookie = words[1].encode(), bytes.fromhex(words[2])
pad = lambda b: b + bytes(-len(b) % 4)
s = socket.create_connection(("localhost", 6000 + number))
s.sendall(b"l\\0" + struct.pack("<HHHHxx", 11, 0, len(name), len(cookie)) + pad(name) + pad(cookie))
print(display, name.decode(), s.makefile().read())
`;

withXauth.each(["-X", "-Y"])(
  "ssh %s shows windows at the client, by credentials that xauth keeps",
  async (flag) => {
    const greetings: Buffer[] = [];
    const { server, name } = await display((socket) => {
      socket.once("data", (chunk: Buffer) => {
        greetings.push(chunk);
        socket.end("welcome");
      });
    });
    const command = `python3 - <<'E'\n${PROGRAM}\nE`;
    const result = await openssh(agent, "ssh", [flag, "127.0.0.1", command], "", { DISPLAY: name });
    expect(String(result.stdout)).toMatch(/^localhost:\d+\.\d+ MIT-MAGIC-COOKIE-1 welcome\n$/);
    expect(greetings).toHaveLength(1);
    expect(greetings[0]!.toString("latin1")).toContain("MIT-MAGIC-COOKIE-1");
    expect(existsSync(`${agent.home}/.Xauthority`)).toBe(true);
    server.close();
  },
);

withXauth("a display is there as long as its session", async () => {
  const client = await sshClient(agent);
  client.on("x11", (_info, accept) => accept().end("from the client"));
  const { stdout } = await execute(client, "echo $DISPLAY", { x11: true });
  const port = 6_000 + Number(/^localhost:(\d+)\./.exec(String(stdout))![1]);
  await waitFor(async () => {
    const socket = connect(port, "127.0.0.1");
    const error = await once(socket, "connect").then(
      () => undefined,
      (cause) => cause,
    );
    socket.destroy();
    return error?.code === "ECONNREFUSED";
  });
  client.end();
});

withXauth("two sessions have a display each", async () => {
  const client = await sshClient(agent);
  const command = "echo $DISPLAY; cat";
  const opened = promisify(client.exec.bind(client) as never) as (
    command: string,
    options: object,
  ) => Promise<import("ssh2").ClientChannel>;
  const channels = [await opened(command, { x11: true }), await opened(command, { x11: true })];
  const names = await Promise.all(channels.map(async (channel) => String((await once(channel, "data"))[0])));
  expect(new Set(names).size).toBe(2);
  for (const channel of channels) channel.end();
  client.end();
});

test("credentials that xauth could take for a command are rejected, and the session continues without X11", async () => {
  const client = await sshClient(agent);
  const bad = { x11: { protocol: "MIT-MAGIC-COOKIE-1\nexit", cookie: "00" } };
  await expect(execute(client, "true", bad)).rejects.toThrow(/X11/);
  expect(String((await execute(client, "echo [$DISPLAY]")).stdout)).toBe("[]\n");
  const request = { single: false, protocol: "MIT-MAGIC-COOKIE-1", cookie: "ab", screen: 0 };
  expect(isSane(request as never)).toBe(true);
  for (const cookie of ["abc", "", "zz", "ab\nadd"])
    expect(isSane({ ...request, cookie } as never)).toBe(false);
  client.end();
});

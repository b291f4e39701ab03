import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Client, ClientChannel } from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { execute, outputOf, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";
import { findXauth } from "./x11.js";

type Asked = { client: Client; agent: TestAgent };
/** How a client asks, which fails unless it gets what the type is for. What it returns tells later whether that ended. */
type Ask = (asked: Asked) => Promise<undefined | (() => Promise<boolean>)>;

/**
 * Every type of channel and request that ssh2's server reports or that the agent answers, as a client asks for it.
 * A type that is missing here, or that is answered otherwise, fails: see CONTRIBUTING, "An SSH channel or request type".
 */
const TYPES: Record<string, Ask> = {
  session: async ({ client }) => void (await output(client, "true")),
  env: async ({ client }) => expectText(await output(client, "echo $LC_A", { env: { LC_A: "a" } }), "a\n"),
  pty: async ({ client }) =>
    expectText(await output(client, "stty size", { pty: { cols: 90, rows: 7 } }), "7 90\r\n"),
  "window-change": async ({ client }) => {
    const channel = await opened(client, "read _; stty size", { pty: { cols: 90, rows: 7 } });
    channel.setWindow(9, 91, 0, 0);
    channel.write("\n");
    expect(String((await outputOf(channel)).stdout)).toContain("9 91");
  },
  x11: async ({ client }) => {
    const asked = output(client, "echo $DISPLAY", { x11: true });
    // Without xauth no program could use the display.
    if (findXauth(process.env.PATH)) expect(await asked).toMatch(/^\S+:\d+/);
    else await expect(asked).rejects.toThrow("X11");
  },
  signal: async ({ client }) => {
    const channel = await opened(client, "exec sleep 60");
    channel.signal("TERM");
    expect((await outputOf(channel)).signal).toBe("SIGTERM");
  },
  "auth-agent": async ({ agent }) => {
    const client = await sshClient(agent, { agent: "/nowhere" });
    const path = (await output(client, "echo $SSH_AUTH_SOCK", { agentForward: true })).trim();
    expect(path).not.toBe("");
    client.end();
    return async () => !existsSync(path);
  },
  shell: ({ client }) =>
    new Promise((resolve, reject) => {
      client.shell(false, (error, channel) => {
        if (error) return reject(error);
        channel.end("exit 3\n");
        outputOf(channel).then(({ code }) => (code === 3 ? resolve(undefined) : reject(code)), reject);
      });
    }),
  exec: async ({ client, agent }) => {
    const pidFile = join(agent.home, "pid");
    await opened(client, `echo $$ > ${pidFile}; exec cat`, { pty: true });
    await waitFor(() => existsSync(pidFile) && readFileSync(pidFile, "utf8") !== "");
    const pid = readFileSync(pidFile, "utf8").trim();
    return async () => !existsSync(`/proc/${pid}`);
  },
  subsystem: ({ client }) =>
    new Promise((resolve, reject) => {
      client.subsys("sftp", (error, channel) => {
        if (error) return reject(error);
        channel.end();
        resolve(undefined);
      });
    }),
  tcpip: async ({ client }) => {
    const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    expect(await textOf((done) => client.forwardOut("", 0, "127.0.0.1", port, done))).toBe("hello");
    server.close();
  },
  "openssh.streamlocal": async ({ client, agent }) => {
    const path = join(agent.home, "served");
    const server = createServer((socket) => socket.end("hello")).listen(path);
    await once(server, "listening");
    expect(await textOf((done) => client.openssh_forwardOutStreamLocal(path, done))).toBe("hello");
    server.close();
  },
  "tcpip-forward": async ({ client }) => {
    const port = await forwardedPort(client);
    return () => isRefused({ host: "127.0.0.1", port });
  },
  "cancel-tcpip-forward": async ({ client }) => {
    const port = await forwardedPort(client);
    await new Promise<void>((resolve, reject) => {
      client.unforwardIn("127.0.0.1", port, (error) => (error ? reject(error) : resolve()));
    });
    expect(await isRefused({ host: "127.0.0.1", port })).toBe(true);
  },
  "streamlocal-forward@openssh.com": async ({ client, agent }) => {
    const path = join(agent.home, "forwarded");
    await forwardSocket(client, path);
    return () => isRefused({ path });
  },
  "cancel-streamlocal-forward@openssh.com": async ({ client, agent }) => {
    const path = join(agent.home, "canceled");
    await forwardSocket(client, path);
    await new Promise<void>((resolve, reject) => {
      client.openssh_unforwardInStreamLocal(path, (error) => (error ? reject(error) : resolve()));
    });
    expect(await isRefused({ path })).toBe(true);
  },
};

/** Types that ssh2 reports and that the agent answers in another way, with the reason. */
const NOT_USED: Record<string, string> = {
  request: "a global request, whose names are in the table",
  sftp: "ssh2's own SFTP; the agent serves the subsystem by itself",
};

const source = (file: string) => readFileSync(new URL(file, import.meta.url), "utf8");
const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name!);

test("every type that ssh2 reports or the agent answers has a row", () => {
  const reported = namesIn(
    readFileSync(new URL(import.meta.resolve("ssh2/lib/server.js")), "utf8"),
    /emit\('([\w.-]+)', accept/g,
  );
  const answered = [
    ...namesIn(source("session.ts"), /session\.on\("([\w.-]+)"/g),
    ...namesIn(source("forward.ts"), /client\.on\("([\w.-]+)"/g),
    ...namesIn(source("forward.ts"), /^ {6}case "([^"]+)"/gm),
  ];
  expect(answered.length).toBeGreaterThan(10);
  const known = [...new Set([...reported, ...answered])].filter((name) => !(name in NOT_USED));
  expect(known.sort()).toEqual(Object.keys(TYPES).sort());
});

test.each(Object.entries(TYPES))("%s works, and ends with its client", async (_type, ask) => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const ended = await ask({ client, agent });
  client.end();
  if (ended) await waitFor(ended);
});

test("unknown subsystems, channels and requests are rejected", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const subsystem = new Promise((_resolve, reject) => client.subsys("unknown", (error) => reject(error)));
  await expect(subsystem).rejects.toThrow();
  expect(await output(client, "echo on")).toBe("on\n");
  client.end();
});

function expectText(actual: string, expected: string): undefined {
  expect(actual).toBe(expected);
}

async function output(client: Client, command: string, options: object = {}): Promise<string> {
  return String((await execute(client, command, options)).stdout);
}

function opened(client: Client, command: string, options: object = {}): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

async function textOf(
  open: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown,
): Promise<string> {
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    open((error, stream) => (error ? reject(error) : resolve(stream)));
  });
  channel.end();
  return text(channel);
}

function forwardedPort(client: Client): Promise<number> {
  return new Promise((resolve, reject) => {
    client.forwardIn("127.0.0.1", 0, (error, port) => (error ? reject(error) : resolve(port)));
  });
}

function forwardSocket(client: Client, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.openssh_forwardInStreamLocal(path, (error) => (error ? reject(error) : resolve()));
  });
}

function isRefused(target: { host: string; port: number } | { path: string }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", () => resolve(true));
  });
}

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import type { Client, ClientChannel, SFTPWrapper } from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { execute, openssh, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";
import { generateHostKey, publicHalf } from "./server.js";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const shell = (client: Client, pty: object) =>
  new Promise<ClientChannel>((resolve, reject) => {
    client.shell(pty, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
const sftpOf = (client: Client) => promisify<SFTPWrapper>(client.sftp.bind(client))();

test("a notice reaches the session that it names", async () => {
  await using agent = await startAgent();
  const tunnel = await agent.deployment.tunnel();
  const clients = await Promise.all(
    ["one", "two"].map((session) => sshClient(agent, {}, { kind: "ssh", target: "", meta: { session } })),
  );
  const screens = ["", ""];
  for (const [index, client] of clients.entries()) {
    const terminal = await shell(client, { term: "dumb" });
    terminal.on("data", (chunk: Buffer) => {
      screens[index] += String(chunk);
    });
  }
  await waitFor(() => screens.every((screen) => screen !== ""));
  const notice = (target: string) => tunnel.open({ kind: "notice", target, meta: { line: "Soon over." } });
  for (const target of ["two", "unknown"]) (await notice(target)).end();
  await waitFor(() => screens[1]!.includes("Soon over."));
  expect(screens[0]).not.toContain("Soon over.");
  for (const client of clients) client.end();
});

test("a terminal shows a notice before the connection ends; a command does not", async () => {
  await using agent = await startAgent();
  const [client, other] = [await sshClient(agent), await sshClient(agent)];
  const terminal = await shell(client, { term: "dumb" });
  const command = execute(other, "echo begun > begun; cat; echo done >&2");
  let screen = "";
  terminal.on("data", (chunk: Buffer) => {
    screen += chunk;
  });
  await waitFor(() => screen !== "" && existsSync(join(agent.home, "begun")));
  const tunnel = await agent.deployment.tunnel();
  tunnel.retire("The server is restarting.");
  await waitFor(() => screen.includes("\r\nThe server is restarting.\r\n"));
  terminal.write("echo still $((40 + 2))\r");
  await waitFor(() => screen.includes("still 42"));
  client.end();
  other.end();
  tunnel.close();
  expect(String((await command).stderr)).not.toContain("replaced");
});

describe("one agent", () => {
  let agent: TestAgent;
  let client: Client;
  beforeAll(async () => {
    agent = await startAgent({ environmentVariables: { FROM_TEMPLATE: "at $HOME" } });
    client = await sshClient(agent);
  });
  afterAll(async () => {
    client.end();
    await agent[Symbol.asyncDispose]();
  });

  test("a command's output, input and exit code pass", async () => {
    expect(await execute(client, "echo out; echo err >&2; exit 42")).toMatchObject({ code: 42 });
    const result = await openssh(agent, "ssh", ["127.0.0.1", "cat; exit 7"], "through and back");
    expect(result).toMatchObject({ code: 7, stderr: "" });
    expect(String(result.stdout)).toBe("through and back");
  });

  test("a command killed by a signal reports it", async () => {
    expect(await execute(client, "kill -KILL $$")).toMatchObject({ code: null, signal: "SIGKILL" });
  });

  test("large output on stdout and stderr arrives unchanged", async () => {
    const file = join(agent.home, "big");
    const content = randomBytes(10 * 1024 * 1024);
    await writeFile(file, content);
    const result = await openssh(agent, "ssh", ["127.0.0.1", `cat ${file}`]);
    expect(sha256(result.stdout)).toBe(sha256(content));
    const both = await execute(client, `cat ${file} & cat ${file} >&2; wait`);
    expect(sha256(both.stdout)).toBe(sha256(content));
    expect(sha256(both.stderr)).toBe(sha256(content));
  });

  test("the environment is the platform's, the template's and the client's", async () => {
    const { stdout } = await execute(client, "env", {
      env: { LC_MINE: "yes", CODER_SSH_SESSION_TYPE: "vscode" },
    });
    const lines = String(stdout).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "CODER=true",
        "CODER_WORKSPACE_NAME=ws",
        "CODER_WORKSPACE_OWNER_NAME=ana",
        `CODER_AGENT_URL=${agent.deployment.accessUrl}`,
        `FROM_TEMPLATE=at ${agent.home}`,
        "LC_MINE=yes",
      ]),
    );
    expect(lines.some((line) => line.startsWith("CODER_SSH_SESSION_TYPE"))).toBe(false);
    await waitFor(() => agent.deployment.calls("reportConnection").some((call) => call.type === "vscode"));
  });

  test("a terminal echoes, has its size, and is resized", async () => {
    const channel = await shell(client, { term: "xterm", cols: 91, rows: 33 });
    let seen = "";
    channel.on("data", (chunk: Buffer) => {
      seen += chunk;
    });
    channel.write("stty size; echo term=$TERM tty=$(tty)\n");
    await waitFor(() => /33 91/.test(seen) && /term=xterm tty=\/dev\/pts/.test(seen));
    channel.setWindow(50, 132, 0, 0);
    channel.write("stty size\n");
    await waitFor(() => /50 132/.test(seen));
    const exit = once(channel, "exit");
    channel.write("exit 9\n");
    expect((await exit)[0]).toBe(9);
  });

  test("a slow client receives all output of a terminal command", async () => {
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.exec("seq 1 900000; echo the-end", { pty: true }, (error, opened) =>
        error ? reject(error) : resolve(opened),
      );
    });
    channel.pause();
    await waitFor(() => channel.readableLength > 1_000_000);
    const all = await text(channel);
    expect(all.trimEnd().split("\r\n")).toHaveLength(900_001);
    expect(all.trimEnd().endsWith("the-end")).toBe(true);
  });

  test("a client's signal reaches the command", async () => {
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.exec(
        "trap 'echo caught; exit 3' TERM; echo up; while :; do sleep 0.05; done",
        (error, opened) => (error ? reject(error) : resolve(opened)),
      );
    });
    await once(channel, "data");
    const exit = once(channel, "exit");
    channel.signal("TERM");
    expect((await exit)[0]).toBe(3);
  });

  test("sftp writes, reads, lists, renames, links, sets attributes and removes", async () => {
    const sftp = await sftpOf(client);
    const call = <T>(name: keyof SFTPWrapper, ...args: unknown[]) =>
      new Promise<T>((resolve, reject) => {
        (sftp[name] as (...all: unknown[]) => void)(...args, (error: Error | undefined, value: T) =>
          error ? reject(error) : resolve(value),
        );
      });
    const content = randomBytes(3_000_000);
    await call("writeFile", "put.bin", content);
    expect(sha256(await readFile(join(agent.home, "put.bin")))).toBe(sha256(content));
    expect(sha256(await call<Buffer>("readFile", "put.bin"))).toBe(sha256(content));
    await call("mkdir", "folder");
    await call("writeFile", "folder/a", "old");
    await call("writeFile", "folder/b", "fresh");
    // As OpenSSH's server: a rename replaces nothing, unless the client asks for it by its extension.
    await expect(call("rename", "folder/b", "folder/a")).rejects.toMatchObject({ code: 4 });
    await call("ext_openssh_rename", "folder/b", "folder/a");
    expect(await readFile(join(agent.home, "folder/a"), "utf8")).toBe("fresh");
    await call("symlink", "a", "folder/link");
    expect(await call("readlink", "folder/link")).toBe("a");
    await call("chmod", "folder/a", 0o640);
    expect((await stat(join(agent.home, "folder/a"))).mode & 0o777).toBe(0o640);
    const names = (await call<{ filename: string }[]>("readdir", "folder")).map((each) => each.filename);
    expect(names.sort()).toEqual(["a", "link"]);
    await expect(call("stat", "missing")).rejects.toMatchObject({ code: 2 });
    expect(await call("realpath", ".")).toBe(agent.home);
    await call("unlink", "folder/link");
    await call("unlink", "folder/a");
    await call("rmdir", "folder");
    sftp.end();
  });

  test("OpenSSH's scp and sftp copy folders both ways", async () => {
    const from = join(agent.home, "from");
    await mkdir(join(from, "deep"), { recursive: true });
    const content = randomBytes(2_000_000);
    await writeFile(join(from, "deep", "file"), content);
    expect(await openssh(agent, "scp", ["-r", from, "127.0.0.1:copied"])).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(sha256(await readFile(join(agent.home, "copied/deep/file")))).toBe(sha256(content));
    expect(await openssh(agent, "scp", ["-r", "127.0.0.1:copied", join(agent.home, "back")])).toMatchObject({
      code: 0,
    });
    expect(sha256(await readFile(join(agent.home, "back/deep/file")))).toBe(sha256(content));
    const batch = "mkdir made\nput from/deep/file made/x\nrename made/x made/y\nls -l made\n";
    const result = await openssh(agent, "sftp", ["-b", "-", "127.0.0.1"], batch.replace("from/", `${from}/`));
    expect(result).toMatchObject({ code: 0 });
    expect(String(result.stdout)).toMatch(/^-rw.*2000000 .*y$/m);
  });

  test("a forwarded connection keeps half-close, whichever side ends first", async () => {
    const server = createServer({ allowHalfOpen: true }, async (socket) => {
      socket.end("goodbye first");
      received = await text(socket);
    });
    let received = "";
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.forwardOut("127.0.0.1", 1, "127.0.0.1", port, (error, opened) =>
        error ? reject(error) : resolve(opened),
      );
    });
    expect(await text(channel)).toBe("goodbye first");
    channel.end("and yet heard");
    await waitFor(() => received === "and yet heard");
    server.close();
  });

  test("a remote-forwarded port reaches the client", async () => {
    client.once("tcp connection", (_info, accept) => {
      const channel = accept();
      channel.end("from the client");
    });
    const port = await new Promise<number>((resolve, reject) => {
      client.forwardIn("127.0.0.1", 0, (error, bound) => (error ? reject(error) : resolve(bound)));
    });
    expect(await text(connect(port, "127.0.0.1"))).toBe("from the client");
    await promisify(client.unforwardIn.bind(client))("127.0.0.1", port);
    const [error] = await once(connect(port, "127.0.0.1"), "error");
    expect(error.code).toBe("ECONNREFUSED");
  });

  test("unix sockets are forwarded in both directions", async () => {
    const path = join(agent.home, "back.sock");
    client.once("unix connection", (_info, accept) => accept().end("by socket"));
    await new Promise<void>((resolve, reject) => {
      client.openssh_forwardInStreamLocal(path, (error) => (error ? reject(error) : resolve()));
    });
    const channel = await new Promise<ClientChannel>((resolve, reject) => {
      client.openssh_forwardOutStreamLocal(path, (error, opened) =>
        error ? reject(error) : resolve(opened),
      );
    });
    expect(await text(channel)).toBe("by socket");
  });

  test("the client's SSH agent is available in the session", async () => {
    const socket = join(agent.home, "agent");
    const sshAgent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
    await waitFor(() => existsSync(socket));
    const result = await openssh(agent, "ssh", ["-A", "127.0.0.1", "ssh-add -l"], "", {
      SSH_AUTH_SOCK: socket,
    });
    expect(String(result.stdout)).toBe("The agent has no identities.\n");
    sshAgent.kill();
  });
});

test("cleaning /tmp does not remove `coder` from later sessions", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const folder = async () => String((await execute(client, "echo $PATH | cut -d: -f1")).stdout).trim();
  const first = await folder();
  expect(existsSync(first)).toBe(true);
  await rm(join(first, ".."), { recursive: true });
  const second = await folder();
  expect(second).not.toBe(first);
  expect(existsSync(second)).toBe(true);
  client.end();
});

test("a shell shows the message of the day, unless hushed", async () => {
  await using agent = await startAgent({ motdFile: "~/motd" });
  await writeFile(join(agent.home, "motd"), "Welcome\nhere\n");
  const client = await sshClient(agent);
  const channel = await shell(client, {});
  expect(String((await once(channel, "data"))[0])).toMatch(/^Welcome\r\nhere\r\n/);
  client.end();
});

test("blocked file transfer rejects scp and sftp", async () => {
  await using agent = await startAgent({}, { blockFileTransfer: true });
  const client = await sshClient(agent);
  const result = await execute(client, "/usr/bin/rsync --server . .");
  expect(result.code).toBe(65);
  expect(String(result.stderr)).toContain("File transfer has been disabled.");
  await expect(sftpOf(client)).rejects.toThrow();
  client.end();
});

test("every generated host key can be parsed", () => {
  for (let made = 0; made < 1_000; made++) expect(publicHalf(generateHostKey())).toMatch(/^ssh-ed25519 /);
});

test("concurrent requests for listeners do not exceed the limit", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const asked = Array.from(
    { length: 70 },
    () =>
      new Promise<boolean>((resolve) =>
        client.forwardIn("127.0.0.1", 0, (error) => resolve(error === undefined)),
      ),
  );
  expect((await Promise.all(asked)).filter(Boolean)).toHaveLength(64);
  client.end();
});

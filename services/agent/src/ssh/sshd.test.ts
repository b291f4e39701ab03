import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import type { Client, ClientChannel } from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { execute, openssh, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";

let agent: TestAgent;
let client: Client;
beforeAll(async () => {
  agent = await startAgent();
  client = await sshClient(agent);
});
afterAll(async () => {
  client.end();
  await agent[Symbol.asyncDispose]();
});

const text = (length: number) => "x".repeat(length);

/** The words of an ssh command that reaches the agent, for another shell to run. */
async function sshWords(): Promise<string> {
  const port = await agent.deployment.sshPort();
  return `ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -p ${port}`;
}

test("a command of 100,000 bytes runs, and so does one with an equally large environment", async () => {
  const result = await openssh(agent, "ssh", ["127.0.0.1", `: ${text(100_000)}; echo ran`]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  const env = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`LC_BIG_${at}`, text(100_000)]));
  const { stdout } = await execute(client, "env | wc -c", { env });
  expect(Number(stdout)).toBeGreaterThan(800_000);
});

test("one that exceeds the system's limit fails alone, with a message", async () => {
  const result = await execute(client, `: ${text(200_000)}`);
  expect(result).toMatchObject({ code: 229 });
  expect(String(result.stderr)).toBe("The command line and environment are too long.\n");
  expect((await execute(client, "true")).code).toBe(0);
});

test("a command does not have to be UTF-8", async () => {
  const name = Buffer.from("caf\xe9 %s\\0 x", "latin1");
  await writeFile(Buffer.concat([Buffer.from(`${agent.home}/`), name]), "found\n");
  const command = Buffer.concat([
    Buffer.from("cat '"),
    name,
    Buffer.from("'; echo é; echo $(( 1 + 1 ))\n\n"),
  ]);
  const file = join(agent.home, "command");
  await writeFile(file, command);
  const result = await openssh(
    agent,
    "sh",
    ["-c", `${await sshWords()} 127.0.0.1 "$(cat ${file})"`, "sh"],
    "",
    {},
    false,
  );
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(String(result.stdout)).toBe("found\né\n2\n");
});

test.each(["SEGV", "USR1", "ABRT", "PIPE", "TERM", "HUP"])("%s is reported by its name", async (name) => {
  expect(await execute(client, `kill -${name} $$`)).toMatchObject({ code: null, signal: `SIG${name}` });
  const terminal = await execute(client, `kill -${name} $$`, { pty: true });
  expect(terminal).toMatchObject({ code: null, signal: `SIG${name}` });
});

test("a signal without an SSH name is reported as an exit status, as a shell does", async () => {
  expect(await execute(client, "kill -BUS $$")).toMatchObject({ code: 128 + 7 });
});

test("the client's terminal modes apply in the workspace", async () => {
  const modes = { VERASE: 8, VINTR: 255, VEOF: 4, IXON: 0, ECHO: 0, ONLCR: 1, IUTF8: 1, VWERASE: 0x7e };
  const channel = await new Promise<ClientChannel>((resolve, reject) => {
    client.exec("stty -a", { pty: { modes } as object }, (error, opened) =>
      error ? reject(error) : resolve(opened),
    );
  });
  let seen = "";
  channel.on("data", (chunk: Buffer) => {
    seen += chunk;
  });
  await waitFor(() => seen.includes("echoprt"));
  expect(seen).toContain("erase = ^H;");
  expect(seen).toContain("intr = <undef>;");
  expect(seen).toContain("werase = ~;");
  expect(seen).toMatch(/ -ixon /);
  expect(seen).toMatch(/[^-]iutf8/);
  expect(seen).toMatch(/ -echo /);
  expect(seen).toMatch(/[^-]icanon /);
});

test("OpenSSH's own terminal modes arrive, and SSH_TTY names the terminal", async () => {
  const shell = `stty erase ^H -ixon intr ^G; ${await sshWords()} -tt 127.0.0.1 'stty -a; echo tty=$SSH_TTY=$(tty)'`;
  const { stdout } = await openssh(agent, "script", ["-qec", shell, "/dev/null"], "", {}, false);
  expect(String(stdout)).toContain("erase = ^H;");
  expect(String(stdout)).toContain("intr = ^G;");
  expect(String(stdout)).toContain(" -ixon ");
  expect(String(stdout)).toMatch(/tty=(\/dev\/pts\/\d+)=\1/);
});

test("SSH_TTY is unset without a terminal, and SSH_CONNECTION is set", async () => {
  const { stdout } = await execute(client, 'echo "[$SSH_TTY]" $SSH_CONNECTION');
  expect(String(stdout)).toBe("[] 0.0.0.0 0 0.0.0.0 0\n");
});

test("a shebang in a command is a comment, as for sshd", async () => {
  expect(String((await execute(client, "#!/no/such\necho ran")).stdout)).toBe("ran\n");
});

test("invalid variables are rejected without ending the session", async () => {
  const env = { "A=B": "x", GOOD: "yes", ZERO: "a\0b" };
  expect(String((await execute(client, "echo $GOOD", { env })).stdout)).toBe("yes\n");
});

test("invalid SSH data ends only its own connection, with a reason", async () => {
  const raw = connect(await agent.deployment.sshPort(), "127.0.0.1");
  let answer = Buffer.alloc(0);
  raw.on("data", (chunk) => {
    answer = Buffer.concat([answer, chunk]);
  });
  raw.write("SSH-2.0-broken\r\n");
  await waitFor(() => answer.length > 0);
  raw.write(Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff]), randomBytes(64)]));
  await new Promise((resolve) => raw.once("close", resolve));
  expect(answer.toString("latin1")).toContain("Protocol error: Bad packet length.");
  expect((await execute(client, "true")).code).toBe(0);
});

test("-R of an unavailable port or socket is rejected, and nothing hangs", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await waitFor(() => blocker.listening);
  const { port } = blocker.address() as AddressInfo;
  for (const forward of [`127.0.0.1:${port}:127.0.0.1:1`, "/dev/null:127.0.0.1:1"]) {
    const strict = ["-o", "ExitOnForwardFailure=yes", "-R", forward, "127.0.0.1", "true"];
    const refused = await openssh(agent, "ssh", strict);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(/remote port forwarding failed/i);
    expect(String((await openssh(agent, "ssh", ["-R", forward, "127.0.0.1", "echo on"])).stdout)).toBe(
      "on\n",
    );
  }
  const tooLong = await new Promise((resolve) => {
    client.openssh_forwardInStreamLocal(`/tmp/${text(120)}`, resolve);
  });
  expect(tooLong).toBeInstanceOf(Error);
  blocker.close();
});

test("an invalid port is rejected in both directions", async () => {
  const outcome = (ask: (done: (error?: Error) => void) => void) =>
    new Promise<Error | undefined>((resolve) => ask((error) => resolve(error)));
  expect(await outcome((done) => client.forwardIn("127.0.0.1", 70_000, done))).toBeInstanceOf(Error);
  expect(
    await outcome((done) => client.forwardOut("127.0.0.1", 1, "127.0.0.1", 70_000, done)),
  ).toBeInstanceOf(Error);
  const tooLong = `/${text(200)}`;
  expect(await outcome((done) => client.openssh_forwardOutStreamLocal(tooLong, done))).toBeInstanceOf(Error);
  expect((await execute(client, "true")).code).toBe(0);
});

test("OpenSSH's -L and -R forward sockets in both directions", async () => {
  const server = createServer((socket) => socket.end("from the socket\n"));
  const [there, back] = [join(agent.home, "there.sock"), join(agent.home, "back.sock")];
  server.listen(there);
  const program = `import socket; s = socket.socket(socket.AF_UNIX); s.connect("${back}"); print(s.makefile().read(), end="")`;
  const command = `until [ -S ${back} ]; do sleep 0.05; done; python3 -c '${program}'`;
  const result = await openssh(agent, "ssh", ["-R", `${back}:${there}`, "127.0.0.1", command]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(String(result.stdout)).toBe("from the socket\n");
  server.close();
});

test("a port remote-forwarded to localhost also listens on ::1", async () => {
  client.on("tcp connection", (_info, accept) => accept().end("hello"));
  const port = await new Promise<number>((resolve, reject) => {
    client.forwardIn("localhost", 0, (error, bound) => (error ? reject(error) : resolve(bound)));
  });
  for (const host of ["127.0.0.1", "::1"]) {
    let heard = "";
    connect(port, host).on("data", (chunk) => {
      heard += chunk;
    });
    await waitFor(() => heard === "hello");
  }
});

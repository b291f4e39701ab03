import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { waitFor } from "@fleet/testkit";
import { DIST, type Fleet, runCommand, startFleet } from "../harness/fleet.js";
import { reservedPort } from "../harness/port.js";
import { createLocalWorkspace, pushLocalTemplate, succeed } from "../harness/workspace.js";

/*
 * Real SSH clients, with nothing of ours installed, against the SSH server of a running fleet's proxy and the one in its
 * workspace. The clients are those of scripts/setup/packages.sh ssh and of requirements.txt.
 */

const PYTHON = join(DIST, "ssh-clients/bin");
const MIB = 1024 * 1024;

let fleet: Fleet;
let folder: string;
let port: number;
/** Options of the OpenSSH programs: their configuration. */
let config: string[];

beforeAll(async () => {
  port = await reservedPort();
  fleet = await startFleet({ env: { CODER_PROXY_SSH_ADDRESS: `127.0.0.1:${port}` } });
  folder = await mkdtemp(join(tmpdir(), "fleet-ssh-"));
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "laptop", "-f", join(folder, "id")]);
  await succeed(fleet, ["ssh-keys", "add", join(folder, "id.pub")]);
  const { username } = await fleet.client.userGet({ params: { user: "me" } });
  await writeFile(
    join(folder, "known_hosts"),
    await (await fetch(`${fleet.url}/.well-known/ssh_known_hosts`)).text(),
  );
  // `jump` is the end-to-end form; `direct` the one that names workspace and user.
  await writeFile(
    join(folder, "config"),
    `Host proxy direct
  HostName 127.0.0.1
  Port ${port}
  StrictHostKeyChecking yes
Host proxy
  User ${username}
Host direct
  User dev.${username}
Host jump
  HostName dev
  ProxyJump proxy
  StrictHostKeyChecking accept-new
Host *
  IdentityFile ${folder}/id
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  UserKnownHostsFile ${folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  LogLevel ERROR
`,
  );
  config = ["-F", join(folder, "config")];
});
afterAll(async () => {
  await fleet?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

type Ran = { code: number; stdout: string; stderr: string };

async function run(command: string, args: readonly string[], input = ""): Promise<Ran> {
  return runCommand(command, args, { ...(process.env as Record<string, string>), HOME: folder }, input);
}

/** Its output; fails with what the program says if it does not succeed. */
async function output(command: string, args: readonly string[], input = ""): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, input);
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describe.each(["jump", "direct"])("OpenSSH, %s", (host) => {
  test("exit codes, signals, standard error and a closed input are as with sshd", async () => {
    expect(await run("ssh", [...config, host, "cat; echo oops >&2; exit 7"], "hi")).toEqual({
      code: 7,
      stdout: "hi",
      stderr: "oops\n",
    });
    expect((await run("ssh", [...config, host, "kill -TERM $$"])).code).toBe(255);
    const long = "x".repeat(100_000);
    expect(await output("ssh", [...config, host, `printf ${long} | wc -c`])).toBe("100000\n");
  });

  test("a terminal has its size and modes", async () => {
    const shown = await output("ssh", [...config, "-tt", host, "tty >/dev/null && stty -a | head -n 1"]);
    expect(shown).toContain("speed");
  });

  test("sftp, scp in both protocols and rsync copy a file there and back", async () => {
    const bytes = randomBytes(3 * MIB);
    const sent = join(folder, `sent-${host}`);
    await writeFile(sent, bytes);
    const round: Record<string, () => Promise<unknown>> = {
      sftp: async () =>
        output("sftp", [...config, "-b", "-", host], `put ${sent} f-sftp\nget f-sftp ${folder}/b-sftp\n`),
      scp: async () => {
        await output("scp", [...config, sent, `${host}:f-scp`]);
        await output("scp", [...config, `${host}:f-scp`, join(folder, "b-scp")]);
      },
      "scp -O": async () => {
        await output("scp", ["-O", ...config, sent, `${host}:f-old`]);
        await output("scp", ["-O", ...config, `${host}:f-old`, join(folder, "b-scp -O")]);
      },
      rsync: async () => {
        const shell = ["-e", `ssh ${config.join(" ")}`];
        await output("rsync", ["-a", ...shell, sent, `${host}:f-rsync`]);
        await output("rsync", ["-a", ...shell, `${host}:f-rsync`, join(folder, "b-rsync")]);
      },
    };
    for (const [name, copy] of Object.entries(round)) {
      await copy();
      expect([name, digest(await readFile(join(folder, `b-${name}`)))]).toEqual([name, digest(bytes)]);
    }
  });

  test("forwards: TCP, dynamic and Unix sockets, and one that the workspace listens on", async () => {
    const [local, dynamic] = [await reservedPort(), await reservedPort()];
    const remote = await reservedPort();
    const serve =
      'python3 -c \'import socket;s=socket.socket();s.bind(("127.0.0.1",0));s.listen();print(s.getsockname()[1],flush=True);c=s.accept()[0];c.sendall(b"hello");c.close()\'';
    const target = spawn("ssh", [...config, host, serve], { stdio: ["ignore", "pipe", "inherit"] });
    const [targetPort] = await new Promise<string[]>((resolve) =>
      target.stdout.once("data", (chunk) => resolve(String(chunk).trim().split("\n"))),
    );
    const forwards = [
      ...["-L", `127.0.0.1:${local}:127.0.0.1:${targetPort}`],
      ...["-D", `127.0.0.1:${dynamic}`],
      ...["-R", `127.0.0.1:${remote}:127.0.0.1:${new URL(fleet.url).port}`],
    ];
    const client = spawn("ssh", [...config, "-N", "-o", "ExitOnForwardFailure=yes", ...forwards, host], {
      stdio: "inherit",
    });
    try {
      const greeting = await waitFor(() => greetingAt(local), { what: "the forward", timeoutMs: 20_000 });
      expect(greeting).toBe("hello");
      const through = ["--silent", "--proxy", `socks5h://127.0.0.1:${dynamic}`, `${fleet.url}/healthz`];
      expect((await run("curl", through)).code).toBe(0);
      const back = `curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:${remote}/healthz`;
      expect(await output("ssh", [...config, host, back])).toBe("200");
    } finally {
      client.kill();
      target.kill();
    }
  });

  test("a master carries several sessions, and a bootstrap script reaches bash on its input", async () => {
    const control = [
      "-o",
      "ControlMaster=auto",
      "-o",
      `ControlPath=${folder}/cm-${host}`,
      "-o",
      "ControlPersist=30",
    ];
    const all = await Promise.all(
      [1, 2, 3].map((n) => output("ssh", [...config, ...control, host, `echo ${n}`])),
    );
    expect(all).toEqual(["1\n", "2\n", "3\n"]);
    await run("ssh", [...config, ...control, "-O", "exit", host]);
    // As VS Code's Remote-SSH does.
    const script = `${"# padding\n".repeat(4_000)}echo "platform==$(uname)=="\nexit 3\n`;
    const ran = await run("ssh", [...config, "-T", host, "bash"], script);
    expect([ran.code, ran.stdout]).toEqual([3, `platform==Linux==\n`]);
  });
});

/** What a server at this port sends; undefined if there is none. */
async function greetingAt(port: number): Promise<string | undefined> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  return (await text(socket).catch(() => "")) || undefined;
}

test("dropbear's client", async () => {
  await output("dropbearconvert", ["openssh", "dropbear", join(folder, "id"), join(folder, "id.db")]);
  const { username } = await fleet.client.userGet({ params: { user: "me" } });
  const args = [
    "-y",
    "-y",
    "-i",
    join(folder, "id.db"),
    "-p",
    String(port),
    "-l",
    `dev.${username}`,
    "127.0.0.1",
  ];
  expect(await run("dbclient", [...args, "cat; exit 4"], "through")).toMatchObject({
    code: 4,
    stdout: "through",
  });
});

test("PuTTY's plink and pscp", async () => {
  await output("puttygen", [join(folder, "id"), "-O", "private", "-o", join(folder, "id.ppk")]);
  const { username } = await fleet.client.userGet({ params: { user: "me" } });
  const known = await output("ssh-keygen", ["-lf", join(folder, "known_hosts")]);
  const fingerprint = /SHA256:\S+/.exec(known)![0];
  const options = ["-batch", "-hostkey", fingerprint, "-i", join(folder, "id.ppk"), "-P", String(port)];
  const login = `dev.${username}@127.0.0.1`;
  expect(await run("plink", ["-ssh", ...options, login, "cat; exit 5"], "typed")).toMatchObject({
    code: 5,
    stdout: "typed",
  });
  const bytes = randomBytes(MIB);
  await writeFile(join(folder, "putty"), bytes);
  await output("pscp", [...options, join(folder, "putty"), `${login}:f-putty`]);
  await output("pscp", [...options, `${login}:f-putty`, join(folder, "putty-back")]);
  expect(digest(await readFile(join(folder, "putty-back")))).toBe(digest(bytes));
});

test.each(["paramiko", "asyncssh"])("%s runs a command and copies a file", async (library) => {
  const { username } = await fleet.client.userGet({ params: { user: "me" } });
  const script = resolve(import.meta.dirname, `${library}_client.py`);
  const said = await output(join(PYTHON, "python"), [
    script,
    String(port),
    `dev.${username}`,
    join(folder, "id"),
  ]);
  expect(said.trim()).toBe("7 hello 1048576");
});

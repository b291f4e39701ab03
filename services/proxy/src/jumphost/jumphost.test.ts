import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer, text } from "node:stream/consumers";
import { waitFor } from "@fleet/testkit";
import ssh2 from "ssh2";
import { LIMITS } from "../limits.js";
import type { ProxyOptions } from "../proxy.js";
import { AGENT_ID, fetchFrom, startFleet, USER_ID, WORKSPACE_ID } from "../testing/fleet.js";
import { newKeyPair, serveSsh } from "../testing/sshd.js";

const SSH = { address: "127.0.0.1:0", sessions: true };
const MIB = 1024 * 1024;

type Outcome = { code: number | null; stdout: Buffer; stderr: string };

/** A proxy with an SSH server, a workspace `dev` behind it, and an OpenSSH client that knows both. */
async function start(options: Partial<ProxyOptions> = {}) {
  const stack = new AsyncDisposableStack();
  const [jump, workspace, mine] = [newKeyPair(), newKeyPair(), newKeyPair()];
  const fleet = stack.use(await startFleet());
  fleet.coderd.settings.sshHostKey = jump.private;
  const proxy = await fleet.addReplica({ ssh: SSH, ...options });
  const clients: string[] = [];
  const agent = await fleet.connectAgent({
    proxy: proxy.address,
    serve: (stream) => serveSsh(stream, workspace.private, (software) => clients.push(software)),
  });
  const hostKey = workspace.public.trim();
  fleet.coderd.sshHosts.set("dev", { agentId: AGENT_ID, workspaceId: WORKSPACE_ID, hostKey });
  const register = () =>
    fleet.coderd.sshKeys.set(mine.public.split(" ")[1]!, { id: "key-1", userId: USER_ID, username: "ana" });
  register();
  const folder = await mkdtemp(join(tmpdir(), "jump-"));
  stack.defer(() => rm(folder, { recursive: true }));
  const knownHosts = (await fetchFrom(proxy.address, "/.well-known/ssh_known_hosts")).text;
  const port = proxy.sshAddress!.split(":")[1]!;
  await writeFile(join(folder, "id"), mine.private, { mode: 0o600 });
  // The access URL of these tests is no name that resolves.
  await writeFile(
    join(folder, "known_hosts"),
    `${knownHosts.replace("coder.test", "127.0.0.1")}dev ${hostKey}\n`,
  );
  await writeFile(
    join(folder, "config"),
    `Host *
  User ana
  IdentityFile ${folder}/id
  IdentitiesOnly yes
  IdentityAgent none
  BatchMode yes
  UserKnownHostsFile ${folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
`,
  );
  function ssh(...args: string[]): ChildProcess {
    const child = spawn("ssh", ["-F", join(folder, "config"), ...args], { stdio: "pipe" });
    stack.defer(() => void child.kill("SIGKILL"));
    return child;
  }
  async function run(args: string[], input: Buffer | string = ""): Promise<Outcome> {
    const child = ssh(...args);
    child.stdin!.on("error", () => {}).end(input);
    const [stdout, stderr, [code]] = await Promise.all([
      buffer(child.stdout!),
      text(child.stderr!),
      once(child, "close"),
    ]);
    return { code, stdout, stderr };
  }
  const jumpArgs = ["-J", `ana@127.0.0.1:${port}`];
  const directArgs = ["-p", port, "-l", "dev.ana", "127.0.0.1"];
  return {
    ...fleet,
    proxy,
    agent,
    clients,
    knownHosts,
    port,
    mine,
    register,
    ssh,
    run,
    jumpArgs,
    directArgs,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

type Test = Awaited<ReturnType<typeof start>>;

const FORMS: Record<string, (test: Test) => string[]> = {
  "ssh -J": ({ jumpArgs }) => [...jumpArgs, "dev"],
  "ssh workspace.user@host": ({ directArgs }) => directArgs,
};

describe.each(Object.entries(FORMS))("%s", (_, argsOf) => {
  test("runs a command in the workspace, with its input, output, errors and exit code", async () => {
    await using test = await start();
    const ran = await test.run([...argsOf(test), "cat; echo oops >&2; exit 7"], "hello");
    expect([ran.code, ran.stdout.toString(), ran.stderr]).toEqual([7, "hello", "oops\n"]);
    expect(test.clients[0]).toMatch(/^OpenSSH/); // Also where the proxy is the client.
    const logged = [...test.coderd.connections.values()];
    await waitFor(() => [...test.coderd.connections.values()].some((one) => one.disconnectedAtMs > 0n), {
      what: "the connection's end in the log",
    });
    for (const one of logged) expect(one).toMatchObject({ type: "ssh", userId: USER_ID, ip: "127.0.0.1" });
  });

  test("carries megabytes both ways, also while the client exchanges keys again", async () => {
    await using test = await start();
    const bytes = randomBytes(6 * MIB);
    const ran = await test.run(["-o", "RekeyLimit=1M", ...argsOf(test), "cat"], bytes);
    expect(ran.stderr).toBe("");
    expect(createHash("sha256").update(ran.stdout).digest("hex")).toBe(
      createHash("sha256").update(bytes).digest("hex"),
    );
  });

  test("ends when the key is removed", async () => {
    await using test = await start();
    const child = test.ssh(...argsOf(test), "echo ready; cat");
    await once(child.stdout!, "data");
    const closed = once(child, "close");
    test.coderd.sshKeys.clear();
    await test.coderd.push({ case: "accessChanged", value: { subjects: ["ssh_key:key-1"] } });
    const [code] = await closed;
    expect(code).toBe(255);
    const again = await test.run([...argsOf(test), "true"]);
    expect(again.stderr).toContain("Permission denied (publickey,keyboard-interactive)");
  });

  test("tells why a workspace cannot be reached", async () => {
    await using test = await start();
    test.coderd.sshHosts.clear();
    const ran = await test.run([...argsOf(test), "true"]);
    expect(ran.code).not.toBe(0);
    expect(ran.stderr).toContain("Workspace dev not found.");
  });

  test("a client that is connected when the proxy stops is told", async () => {
    await using test = await start({ drainMs: 0 });
    const child = test.ssh(...argsOf(test), "echo ready; cat");
    await once(child.stdout!, "data");
    const [stderr, closed] = [text(child.stderr!), once(child, "close")];
    await test.proxy.drain();
    await closed;
    expect(await stderr).toContain("The server is restarting. Reconnect.");
  });
});

test("the host key is published as a line of known_hosts, and 404 where there is no SSH server", async () => {
  await using test = await start();
  expect(test.knownHosts).toMatch(new RegExp(`^\\[coder\\.test\\]:${test.port} ssh-ed25519 AAAA\\S+\n$`));
  const named = await test.addReplica({ ssh: { ...SSH, advertise: "ssh.coder.test:22" } });
  const line = (await fetchFrom(named.address, "/.well-known/ssh_known_hosts")).text;
  expect(line).toMatch(/^ssh\.coder\.test ssh-ed25519 /);
  const without = await test.addReplica();
  expect((await fetchFrom(without.address, "/.well-known/ssh_known_hosts")).status).toBe(404);
});

test("without a workspace, or without sessions, a session says how to connect", async () => {
  await using test = await start({ ssh: { ...SSH, sessions: false } });
  for (const login of ["ana", "dev.ana"]) {
    const ran = await test.run(["-p", test.port, "-l", login, "127.0.0.1", "true"]);
    expect([ran.code, ran.stdout.toString()]).toEqual([1, ""]);
    expect(ran.stderr).toContain(`ssh -J ana@coder.test:${test.port} WORKSPACE`);
  }
});

test("only the SSH servers of workspaces are reached", async () => {
  await using test = await start();
  const ran = await test.run([...test.jumpArgs, "-p", "80", "dev", "true"]);
  expect(ran.stderr).toContain("Only port 22 of a workspace");
  const through = await test.run(["-p", test.port, "-W", "127.0.0.1:22", "127.0.0.1"]);
  expect(through.stderr).toContain("Workspace 127.0.0.1 not found.");
});

test("a key of another user is refused", async () => {
  await using test = await start();
  const other = await test.run(["-p", test.port, "-l", "ben", "127.0.0.1", "true"]);
  expect(other.stderr).toContain("Permission denied");
});

test("a registered key lets nobody in who cannot sign with it", async () => {
  await using test = await start();
  const keyOf = (text: string) => {
    const parsed = ssh2.utils.parseKey(text);
    if (parsed instanceof Error) throw parsed;
    return [parsed].flat()[0]!;
  };
  /** Presents the registered public key, and signs with another. */
  async function outcomeOf(signer: string): Promise<string> {
    const registered = keyOf(test.mine.public).getPublicSSH();
    const key = Object.assign(Object.create(keyOf(signer)), { getPublicSSH: () => registered });
    const client = new ssh2.Client();
    const outcome = new Promise<string>((resolve) => {
      client.once("ready", () => resolve("ready")).once("error", ({ message }) => resolve(message));
    });
    const asked = { type: "publickey", username: "ana", key };
    client.connect({
      host: "127.0.0.1",
      port: Number(test.port),
      username: "ana",
      authHandler: [asked as never],
    });
    const told = await outcome;
    client.destroy();
    return told;
  }
  expect(await outcomeOf(test.mine.private)).toBe("ready");
  expect(await outcomeOf(newKeyPair().private)).toContain("authentication methods failed");
});

test("without a key, the user allows the client by a link; a denied one is refused", async () => {
  await using test = await start();
  test.coderd.sshKeys.clear();
  test.coderd.userTokens.set("session-1", { userId: USER_ID, username: "ana" });
  const signIn = async (decide: (id: string) => void) => {
    const child = test.ssh(
      "-o",
      "BatchMode=no",
      "-o",
      "NumberOfPasswordPrompts=1",
      ...test.directArgs,
      "echo inside",
    );
    let shown = "";
    child.stderr!.on("data", (chunk: Buffer) => {
      shown += chunk;
    });
    const id = await waitFor(() => /sign-in\?code=CODE-(\d+)/.exec(shown)?.[1], { what: "the link" });
    expect(test.coderd.sshSignIns.get(id)).toMatchObject({ username: "ana", address: "127.0.0.1" });
    const output = text(child.stdout!);
    decide(id);
    const [code] = await once(child, "close");
    return [code, await output];
  };
  const identity = { userId: USER_ID, username: "ana", sshKeyId: "", keyId: "session-1" };
  const allowed = await signIn((id) => {
    const waiting = test.coderd.sshSignIns.get(id)!;
    test.coderd.sshSignIns.set(id, { ...waiting, identity });
  });
  expect(allowed).toEqual([0, "inside\n"]);
  expect(await signIn((id) => test.coderd.sshSignIns.delete(id))).toEqual([255, ""]);
});

test("a trusted load balancer names the client; from others, such a header is refused", async () => {
  await using test = await start({ trust: { origins: ["127.0.0.1"], headers: [] } });
  const dial = async (port: string, header: string) => {
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(header);
    const client = new ssh2.Client();
    const outcome = new Promise<string>((resolve) => {
      client.once("ready", () => resolve("ready"));
      client.once("error", (error) => resolve(error.message)).once("close", () => resolve("closed"));
    });
    client.connect({ sock: socket, username: "dev.ana", privateKey: test.mine.private });
    return { client, outcome: await outcome };
  };
  const named = await dial(test.port, "PROXY TCP4 192.0.2.7 10.0.0.1 40000 22\r\n");
  expect(named.outcome).toBe("ready");
  await waitFor(() => [...test.coderd.connections.values()].some(({ ip }) => ip === "192.0.2.7"), {
    what: "the client's address in the log",
  });
  const direct = await dial(test.port, "");
  expect(direct.outcome).toBe("ready");
  const strict = await test.addReplica({ ssh: SSH });
  const refused = await dial(strict.sshAddress!.split(":")[1]!, "PROXY TCP4 192.0.2.7 10.0.0.1 40000 22\r\n");
  expect(refused.outcome).not.toBe("ready");
  for (const { client } of [named, direct, refused]) client.destroy();
});

test("clients that do not sign in are limited, and keep nobody out who has", async () => {
  await using test = await start();
  const child = test.ssh(...test.directArgs, "echo ready; cat");
  await once(child.stdout!, "data");
  const idle = Array.from({ length: LIMITS.sshPendingPerAddress }, () =>
    connect(Number(test.port), "127.0.0.1"),
  );
  await Promise.all(idle.map((socket) => once(socket, "data")));
  const refused = connect(Number(test.port), "127.0.0.1");
  expect(await text(refused)).toContain("Too many SSH clients are signing in");
  child.stdin!.end("still here");
  expect(await text(child.stdout!)).toBe("still here");
  for (const socket of idle) socket.destroy();
});

test("what is no SSH client ends only its own connection", async () => {
  await using test = await start();
  const sockets = [
    "GET / HTTP/1.1\r\n\r\n",
    randomBytes(70_000),
    "SSH-2.0-x\r\n\0\0\0\x05",
    "SSH-1.5-x\r\n",
  ].map((bytes) => {
    const socket = connect(Number(test.port), "127.0.0.1");
    socket.on("error", () => {});
    socket.write(bytes);
    return socket.resume();
  });
  const ran = await test.run([...test.directArgs, "echo fine"]);
  expect(ran.stdout.toString()).toBe("fine\n");
  for (const socket of sockets) socket.destroy();
});

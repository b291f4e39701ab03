import { readdir, readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { createPtyExpecter, waitFor } from "@fleet/testkit";
import ssh2, { type Connection, type Session } from "ssh2";
import { type Deployment, startDeployment } from "../testing/deployment.js";
import { agent, build, buildInfo, workspace } from "../testing/objects.js";
import { spawnableCli } from "../testing/process.js";
import { createTestCli, type TestCli } from "../testing/run.js";

const HOST_KEY = ssh2.utils.generateKeyPairSync("ed25519").private;

function publicHalf(privateKey: string): string {
  const [key] = [ssh2.utils.parseKey(privateKey)].flat();
  if (!key || key instanceof Error) throw new Error("This is no key.");
  return `${key.type} ${key.getPublicSSH().toString("base64")}`;
}

/** What the server received. */
type Seen = { env: Record<string, string>; windows: string[]; forwards: number[]; modes: object };

/** An SSH server like an agent's: no authentication, `exec` answers from a small table, a shell echoes lines. */
function serveSsh(socket: Duplex, seen: Seen): void {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY] }, (client: Connection) => {
    client.on("authentication", (request) =>
      request.method === "none" ? request.accept() : request.reject(),
    );
    client.on("session", (accept) => serveSession(accept(), seen, () => socket.destroy()));
    client.on("error", () => {});
    client.on("request", (accept, reject, name, info) => {
      if (name !== "tcpip-forward") return void reject?.();
      seen.forwards.push(info.bindPort);
      accept?.();
      // Immediately connect to the forwarded port of the workspace.
      client.forwardOut(info.bindAddr, info.bindPort, "127.0.0.1", 40_000, (error, channel) => {
        if (!error) channel.end("from the workspace");
      });
    });
  });
  server.injectSocket(socket as never);
}

function serveSession(session: Session, seen: Seen, lose: () => void): void {
  session.on("env", (accept, _reject, info) => {
    seen.env[info.key] = info.val;
    accept?.();
  });
  session.on("pty", (accept, _reject, info) => {
    seen.windows.push(`${info.cols}x${info.rows}`);
    seen.modes = info.modes;
    accept?.();
  });
  session.on("window-change", (accept, _reject, info) => {
    seen.windows.push(`${info.cols}x${info.rows}`);
    accept?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    const channel = accept();
    if (command === "cat") {
      channel.on("data", (chunk: Buffer) => channel.write(chunk));
      channel.on("end", () => {
        channel.exit(0);
        channel.end();
      });
      return;
    }
    if (command === "crash") return void lose();
    channel.stderr.write(`running ${command}\n`);
    channel.exit(command === "true" ? 0 : 7);
    channel.end();
  });
  session.on("shell", (accept) => {
    const channel = accept();
    channel.write("welcome> ");
    channel.on("data", (chunk: Buffer) => {
      channel.write(`you typed ${String(chunk).trim()}\r\nwelcome> `);
      if (!String(chunk).includes("exit")) return;
      channel.exit(3);
      channel.end();
    });
  });
}

let cli: TestCli;
let seen: Seen;
beforeEach(async () => {
  cli = await createTestCli();
  seen = { env: {}, windows: [], forwards: [], modes: {} };
});
afterEach(() => cli[Symbol.asyncDispose]());

/** A deployment with one running workspace whose agent has an SSH server. */
function startWithWorkspace(hostKey: string = publicHalf(HOST_KEY)): Promise<Deployment> {
  const running = workspace({
    latest_build: build({}, [agent({ name: "main", ssh_host_public_key: hostKey })]),
  });
  return startDeployment(
    { workspaceGetByName: () => running, workspaceUsage: () => undefined, buildInfo },
    {
      agentSsh: (socket) => serveSsh(socket, seen),
    },
  );
}

const session = (deployment: Deployment) => ["--url", deployment.url, "--token", "t"];

test("a remote command has its output, input and exit status", async () => {
  await using deployment = await startWithWorkspace();
  const echoed = await cli.run(
    [...session(deployment), "ssh", "dev", "-e", "LANG=C", "cat"],
    "over the wire",
  );
  expect(echoed).toEqual({ status: 0, stdout: "over the wire", stderr: "" });
  expect(seen.env).toEqual({ LANG: "C" });
  const failed = await cli.run([...session(deployment), "ssh", "ana/dev.main", "--", "make", "-v"]);
  expect(failed).toEqual({ status: 7, stdout: "", stderr: "running make -v\n" });
});

test("a lost connection exits with a message and status 255, like OpenSSH", async () => {
  await using deployment = await startWithWorkspace();
  const lost = await cli.run([...session(deployment), "ssh", "dev", "crash"]);
  expect(lost).toMatchObject({ status: 255, stderr: "The connection to the workspace was lost.\n" });
});

test("a server with another host key is rejected before anything is sent", async () => {
  await using deployment = await startWithWorkspace(
    publicHalf(ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private),
  );
  const { status, stderr } = await cli.run([...session(deployment), "ssh", "dev", "-e", "SECRET=1", "true"]);
  expect(status).toBe(1);
  expect(stderr).toContain("Host key verification failed");
  expect(seen.env).toEqual({});
});

test("--log-dir writes a connection log named by the parent's pid", async () => {
  await using deployment = await startWithWorkspace();
  const folder = join(cli.folder, "logs");
  await cli.run([...session(deployment), "ssh", "--log-dir", folder, "dev", "true"]);
  const [name] = await readdir(folder);
  expect(name).toMatch(new RegExp(`^coder-ssh-.*-${process.ppid}\\.log$`));
  const log = await readFile(join(folder, name!), "utf8");
  expect(log).toMatch(/Connecting to dev of http.*\n.*Connected to the agent main.*\n.*has ended/);
});

test("--network-info-dir writes connection statistics for editors", async () => {
  await using deployment = await startWithWorkspace();
  const folder = join(cli.folder, "network");
  const { command, args, env } = spawnableCli(
    [...session(deployment), "ssh", "--network-info-dir", folder, "dev"],
    cli.folder,
  );
  await using terminal = createPtyExpecter({ command, args, env });
  await terminal.expect("welcome> ");
  const info = await waitFor(
    async () => JSON.parse(await readFile(join(folder, `${process.pid}.json`), "utf8")),
    { what: "the network info" },
  );
  expect(info).toMatchObject({ p2p: false, preferred_derp: "relay", using_coder_connect: false });
  expect(info.derp_latency.relay).toBe(info.latency);
});

test("--stdio is the raw stream for an SSH client using a config-ssh host", async () => {
  await using deployment = await startWithWorkspace();
  const args = [
    "ssh",
    "--stdio",
    "--ssh-host-prefix",
    "coder.",
    "--disable-autostart",
    "coder.ana--dev.main",
  ];
  const { status, stdout } = await cli.run([...session(deployment), ...args], "SSH-2.0-test\r\n");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^SSH-2\.0-ssh2js/);
});

test("-R forwards a workspace port to this machine", async () => {
  await using deployment = await startWithWorkspace();
  const received = new Promise<string>((resolve) => {
    const local = createServer((socket) => socket.on("data", (chunk) => resolve(String(chunk))));
    local.listen(0, "127.0.0.1", async () => {
      const { port } = local.address() as AddressInfo;
      await cli.run([...session(deployment), "ssh", "-R", `9000:127.0.0.1:${port}`, "dev", "cat"]);
      local.close();
    });
  });
  expect(await received).toBe("from the workspace");
  expect(seen.forwards).toEqual([9000]);
});

test("a shell has the window's size, follows resizes, and exits with the shell's status", async () => {
  await using deployment = await startWithWorkspace();
  const { command, args, env } = spawnableCli([...session(deployment), "ssh", "dev"], cli.folder);
  await using terminal = createPtyExpecter({ command, args, env, cols: 90, rows: 30 });
  await terminal.expect("welcome> ");
  terminal.send("hello\r");
  await terminal.expect("you typed hello");
  terminal.resize(100, 20);
  await waitFor(() => seen.windows.length === 2, { what: "the change of the window's size" });
  expect(seen.windows).toEqual(["90x30", "100x20"]);
  expect(seen.modes).toMatchObject({ VINTR: 3, ICANON: 1, ECHO: 1 });
  terminal.send("exit\r");
  expect(await terminal.exited).toMatchObject({ exitCode: 3 });
});

test("options end where the remote command begins, like OpenSSH", async () => {
  await using deployment = await startWithWorkspace();
  const ran = async (...args: string[]) => {
    const { stderr } = await cli.run([...session(deployment), "ssh", ...args]);
    return /^running (.*)$/m.exec(stderr)?.[1];
  };
  expect(await ran("dev", "ls", "-la")).toBe("ls -la");
  expect(await ran("dev", "ls", "-A", "--help")).toBe("ls -A --help");
  expect(await ran("-e", "A=1", "dev", "wc", "-c", "--", "-v")).toBe("wc -c -- -v");
  expect(await ran("dev", "-e", "A=1", "ls", "-e", "x")).toBe("ls -e x");
  expect(await ran("dev", "--", "ls", "-l", "a")).toBe("ls -l a");
  expect(await ran("--", "dev", "ls", "-l", "a")).toBe("ls -l a");
  expect(await readdir(cli.folder)).not.toContain("a");
});

test.each([
  [["-R", "abc", "dev"], "is not a valid remote forward"],
  [["-R", "18032", "dev", "true"], "is not a valid remote forward"],
  [["-G", "dev"], "GPG agent forwarding (--forward-gpg) is not supported"],
  [["-e", "NAME", "dev"], "is not an environment variable"],
  [["--network-info-interval", "soon", "dev"], "is not a valid duration"],
  [["--stdio", "dev", "true"], "--stdio cannot be combined with a command"],
  [["--stdio", "-R", "9000:localhost:3000", "dev"], "--stdio cannot be combined with --remote-forward"],
])("ssh %j is rejected before connecting", async (args, message) => {
  await using deployment = await startWithWorkspace();
  const { command, args: line, env } = spawnableCli([...session(deployment), "ssh", ...args], cli.folder);
  await using terminal = createPtyExpecter({ command, args: line, env });
  await terminal.expect(message);
  expect(await terminal.exited).toMatchObject({ exitCode: 1 });
  expect(deployment.requests).toEqual([]);
});

test("a workspace port that cannot be listened on ends the command", async () => {
  await using deployment = await startWithWorkspace();
  const { command, args, env } = spawnableCli(
    [...session(deployment), "ssh", "-R", "/run/refused.sock:/run/here.sock", "dev", "cat"],
    cli.folder,
  );
  await using terminal = createPtyExpecter({ command, args, env });
  await terminal.expect("/run/refused.sock of the workspace cannot be listened on");
  expect(await terminal.exited).toMatchObject({ exitCode: 1 });
});

test("a stream rejected by the deployment ends with its message", async () => {
  const running = workspace();
  await using deployment = await startDeployment({
    workspaceGetByName: () => running,
    workspaceUsage: () => undefined,
  });
  const { status, stderr } = await cli.run([...session(deployment), "ssh", "dev", "true"]);
  expect(status).toBe(1);
  expect(stderr).toContain("did not open a connection to the workspace (HTTP status 404)");
});

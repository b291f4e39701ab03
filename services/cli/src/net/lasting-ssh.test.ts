import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
import type { Workspace } from "@fleet/sdk";
import { createPtyExpecter } from "@fleet/testkit";
import { createResumableServer } from "@fleet/tunnel/resumable";
import ssh2, { type Connection } from "ssh2";
import { type Deployment, startDeployment } from "../testing/deployment.js";
import { agent, build, workspace } from "../testing/objects.js";
import { spawnableCli } from "../testing/process.js";
import { createTestCli, type TestCli } from "../testing/run.js";

const HOST_KEY = ssh2.utils.generateKeyPairSync("ed25519").private;

/** A workspace behind a connection that can be cut or refused. */
type Way = AsyncDisposable & {
  deployment: Deployment;
  cut(): void;
  /** Ends the connections and forgets the sessions, like a restarted agent. */
  restart(): void;
  down: boolean;
  workspace: Workspace;
};

async function startWay(): Promise<Way> {
  const connections = new Set<Duplex>();
  let server = createResumableServer({ onStream: serveShell });
  const former: (typeof server)[] = [];
  const running = workspace({ latest_build: build({}, [agent({ name: "main" })]) });
  const way: Way = {
    workspace: running,
    down: false,
    cut() {
      for (const connection of connections) connection.destroy();
      connections.clear();
    },
    restart() {
      former.push(server);
      server = createResumableServer({ onStream: serveShell });
      way.cut();
    },
    deployment: await startDeployment(
      {
        workspaceGetByName: () => way.workspace,
        workspaceGet: () => way.workspace,
        workspaceUsage: () => undefined,
      },
      {
        agentSsh(socket, { query }) {
          expect(query.get("resumable")).toBe("1");
          if (way.down) return void socket.destroy();
          connections.add(socket);
          socket.on("error", () => {});
          server.accept(socket);
        },
      },
    ),
    async [Symbol.asyncDispose]() {
      for (const each of [server, ...former]) {
        await each.close(new FleetError("unavailable", "The test is over."));
      }
      await way.deployment[Symbol.asyncDispose]();
    },
  };
  return way;
}

/** An SSH server whose shell echoes each line. */
function serveShell(stream: Duplex): void {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY] }, (client: Connection) => {
    client.on("authentication", (request) => request.accept());
    client.on("error", () => {});
    client.on("session", (accept) => {
      const session = accept();
      session.on("pty", (acceptPty) => acceptPty?.());
      session.on("window-change", (acceptChange) => acceptChange?.());
      session.on("shell", (acceptShell) => {
        const channel = acceptShell();
        channel.write("welcome> ");
        channel.on("data", (chunk: Buffer) => channel.write(`heard ${String(chunk).trim()}\r\n`));
      });
    });
  });
  server.injectSocket(stream as never);
}

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

function openShell(way: Way) {
  const { command, args, env } = spawnableCli(
    ["--url", way.deployment.url, "--token", "t", "ssh", "dev"],
    cli.folder,
  );
  return createPtyExpecter({ command, args, env });
}

test("a shell continues silently after a short loss and reports a long one, which Ctrl-C ends", async () => {
  await using way = await startWay();
  await using terminal = openShell(way);
  await terminal.expect("welcome> ");
  way.cut();
  terminal.send("first\r");
  await terminal.expect("heard first");
  expect(terminal.output()).not.toContain("onnect");

  way.down = true;
  way.cut();
  await terminal.expect("Connection lost, reconnecting… Ctrl-C leaves.");
  terminal.send("second\r");
  way.down = false;
  await terminal.expect(/Reconnected after .*; nothing was lost\./, 30_000);
  await terminal.expect("heard second");

  way.down = true;
  way.cut();
  await terminal.expect("Connection lost");
  terminal.send("\x03");
  await terminal.expect("Session closed while the connection was lost.");
  expect(await terminal.exited).toMatchObject({ exitCode: 255 });
});

test("a workspace stopped during a connection loss is not waited for", async () => {
  await using way = await startWay();
  await using terminal = openShell(way);
  await terminal.expect("welcome> ");
  way.workspace = workspace({ latest_build: build({ transition: "stop" }) });
  way.down = true;
  way.cut();
  await terminal.expect("was stopped.", 30_000);
  expect(await terminal.exited).toMatchObject({ exitCode: 255 });
});

test("OpenSSH and our own client show the same message when the agent was restarted", async () => {
  await using way = await startWay();
  await using terminal = openShell(way);
  await terminal.expect("welcome> ");
  way.restart();
  await terminal.expect("does not know this session: the agent was restarted", 30_000);
  expect(await terminal.exited).toMatchObject({ exitCode: 255 });

  const { command, args } = spawnableCli(
    ["--url", way.deployment.url, "--token", "t", "ssh", "--stdio", "dev"],
    cli.folder,
  );
  const proxyCommand = [command, ...args].map((word) => `'${word}'`).join(" ");
  const options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
  await using openssh = createPtyExpecter({
    command: "ssh",
    args: [
      ...[...options, `ProxyCommand=${proxyCommand.replaceAll("%", "%%")}`].flatMap((o) => ["-o", o]),
      "-tt",
      "x@dev",
    ],
    env: { PATH: process.env.PATH!, HOME: cli.folder },
  });
  await openssh.expect("welcome> ");
  way.restart();
  await openssh.expect("does not know this session: the agent was restarted", 30_000);
  expect(await openssh.exited).toMatchObject({ exitCode: 255 });
});

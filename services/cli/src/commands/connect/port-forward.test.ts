import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { text } from "node:stream/consumers";
import { FleetError } from "@fleet/base";
import type { Workspace } from "@fleet/sdk";
import { createPtyExpecter, type PtyExpecter } from "@fleet/testkit";
import { createDatagramReader, frameDatagram } from "@fleet/tunnel/datagrams";
import { startDeployment } from "../../testing/deployment.js";
import { agent, build, workspace } from "../../testing/objects.js";
import { spawnableCli } from "../../testing/process.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

function running(): Workspace {
  return workspace({ latest_build: build({}, [agent({ name: "main" })]) });
}

/** A deployment whose workspace can get another build; streams of other agents are refused. */
async function startWithWorkspace() {
  const state = { workspace: running() };
  const deployment = await startDeployment(
    {
      workspaceGetByName: () => state.workspace,
      workspaceGet: () => state.workspace,
      agentListeningPorts: () => ({ ports: [{ process_name: "vite", network: "tcp", port: 3000 }] }),
      agentForward({ params }) {
        const known = state.workspace.latest_build.resources.flatMap(({ agents }) => agents ?? []);
        if (!known.some(({ id }) => id === params.agent)) throw new FleetError("not_found", "No such agent.");
      },
    },
    {
      agentForward: (socket, { params, query }) => {
        socket.on("error", () => {});
        if (query.get("network") === "udp") {
          const answer = (payload: Buffer) =>
            void socket.write(frameDatagram(Buffer.from(`${payload} at ${query.get("target")}`)));
          return void socket.on("data", createDatagramReader(answer));
        }
        socket.end(`to ${query.get("target")} of ${params.agent}`);
      },
    },
  );
  return { state, deployment, [Symbol.asyncDispose]: () => deployment[Symbol.asyncDispose]() };
}

async function listening(host: string, port = 0): Promise<Server & AsyncDisposable> {
  const server = createServer().listen(port, host);
  await once(server, "listening");
  return Object.assign(server, { [Symbol.asyncDispose]: async () => void server.close() });
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function freePort(): Promise<number> {
  await using server = await listening("127.0.0.1");
  return portOf(server);
}

function portForward(url: string, ...args: string[]): PtyExpecter {
  const line = ["--url", url, "--token", "t", "port-forward", "dev", ...args];
  return createPtyExpecter(spawnableCli(line, cli.folder));
}

const answerOf = (port: number, host: string) => text(connect(port, host));

test("localhost listens on IPv4 and IPv6 until Ctrl-C", async () => {
  await using place = await startWithWorkspace();
  const port = await freePort();
  await using terminal = portForward(place.deployment.url, "--tcp", `${port}:80`);
  await terminal.expect("Ready.");
  for (const host of ["127.0.0.1", "::1"]) expect(await answerOf(port, host)).toContain("to localhost:80 of");
  terminal.send("\x03");
  expect(await terminal.exited).toMatchObject({ exitCode: 0 });
});

test("a restarted workspace is followed to its new agent", async () => {
  await using place = await startWithWorkspace();
  const port = await freePort();
  await using terminal = portForward(place.deployment.url, "--tcp", `${port}:80`);
  await terminal.expect("Ready.");
  await answerOf(port, "127.0.0.1");

  const { id, name } = place.state.workspace;
  place.state.workspace = { ...running(), id, name };
  const [now] = place.state.workspace.latest_build.resources[0]!.agents!;
  expect(await answerOf(port, "127.0.0.1")).toBe(`to localhost:80 of ${now!.id}`);

  const stopping = build({ transition: "stop", status: "stopped" }, []);
  place.state.workspace = { ...place.state.workspace, latest_build: stopping };
  expect(await answerOf(port, "127.0.0.1")).toBe("");
  await terminal.expect("The workspace dev is stopped.");
});

test("a local port in use is named, and the others are forwarded", async () => {
  await using place = await startWithWorkspace();
  await using taken = await listening("127.0.0.1");
  await using alsoTaken = await listening("::1", portOf(taken));
  const port = await freePort();
  await using terminal = portForward(place.deployment.url, "--tcp", `${portOf(alsoTaken)}:80,${port}:81`);
  await terminal.expect(`Cannot listen on port ${portOf(taken)} of localhost: it is already in use.`);
  await terminal.expect("Ready.");
  expect(await answerOf(port, "127.0.0.1")).toContain("to localhost:81 of");
});

test("with every local port in use, the command fails", async () => {
  await using place = await startWithWorkspace();
  await using taken = await listening("127.0.0.1");
  await using terminal = portForward(place.deployment.url, "--tcp", `127.0.0.1:${portOf(taken)}:80`);
  await terminal.expect("it is already in use");
  expect(await terminal.exited).toMatchObject({ exitCode: 1 });
});

test("UDP datagrams go to the workspace and back, over one stream for each sender", async () => {
  await using place = await startWithWorkspace();
  const port = await freePort();
  await using terminal = portForward(place.deployment.url, "--udp", `${port}:53`);
  await terminal.expect("UDP port 53 of the workspace");
  await terminal.expect("Ready.");
  const ask = async (family: "udp4" | "udp6", question: string) => {
    const socket = createSocket(family);
    const answered = once(socket, "message");
    socket.send(question, port, family === "udp4" ? "127.0.0.1" : "::1");
    const [answer] = (await answered) as [Buffer];
    socket.close();
    return answer.toString();
  };
  expect(await ask("udp4", "who?")).toBe("who? at localhost:53");
  expect(await ask("udp6", "and you?")).toBe("and you? at localhost:53");
  const streams = place.deployment.requests.filter((request) => request.includes("network=udp"));
  expect(streams).toHaveLength(2);
});

test("without ports, those that the workspace listens on are named", async () => {
  await using place = await startWithWorkspace();
  const { status, stderr } = await cli.run([
    ...["--url", place.deployment.url, "--token", "t", "port-forward", "dev"],
  ]);
  expect(status).toBe(1);
  expect(stderr).toContain(
    "No ports specified. Example: --tcp 8080, or --tcp 8080:80. The workspace listens on: 3000 (vite)",
  );
});

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { SESSION_HEADER } from "@fleet/base";
import { type RouteName, routes, routeUrl } from "@fleet/sdk";
import { createPtyExpecter, waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { EXECUTABLE, type Fleet, startFleet } from "../harness/fleet.js";
import { agentReady, createLocalWorkspace, succeed, workspaceOf } from "../harness/workspace.js";
import {
  type Certificate,
  FRONTS,
  type FrontName,
  makeCertificate,
  missingFronts,
  startFront,
} from "./front.js";

/** Longer than the default idle timeouts of nginx (60 s) and HAProxy (50 s). */
const IDLE_MS = 65_000;
const TEMPLATE = resolve(import.meta.dirname, "../../dist/templates/local");

const missing = missingFronts();
const scenario = missing.length === 0 ? describe : describe.skip;
if (missing.length > 0) {
  process.stderr.write(
    `Not run: ${missing.join(" and ")} not installed here. \`bash scripts/setup/packages.sh front\` does it.\n`,
  );
}

scenario("behind a reverse proxy with its default time-outs", () => {
  let fleet: Fleet;
  let folder: string;
  let port: number;
  let certificate: Certificate;
  let authority: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "fleet-front-"));
    certificate = await makeCertificate(folder);
    authority = await readFile(certificate.file, "utf8");
    // Kept open so that the fleet does not use the port.
    const held = createServer().listen(0, "127.0.0.1");
    await once(held, "listening");
    port = (held.address() as AddressInfo).port;
    fleet = await startFleet({
      env: {
        CODER_ACCESS_URL: `https://127.0.0.1:${port}`,
        CODER_PROXY_TRUSTED_ORIGINS: "127.0.0.1/32",
      },
    });
    await pushTrustingTemplate();
    held.close();
  });
  afterAll(async () => {
    await fleet?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test.each(FRONTS)(
    "%s: agents connect, and what nobody uses for a while stays open",
    async (name) => {
      await using front = await start(name);
      const agent = await agentOf();
      const env = {
        ...fleet.env,
        CODER_URL: `https://127.0.0.1:${port}`,
        CODER_SESSION_TOKEN: fleet.token,
        SSL_CERT_FILE: certificate.file,
      };

      await using ssh = createPtyExpecter({ command: EXECUTABLE, args: ["ssh", "dev"], env, cols: 200 });
      ssh.send("stty -echo; PS1=; echo here $((20 + 3))\r");
      await ssh.expect("here 23", 30_000);
      const terminal = await openSocket("agentPty", agent, {
        reconnect: randomUUID(),
        width: 80,
        height: 24,
      });
      const logs = await openSocket("agentLogsFollow", agent);
      const changes = await watchWorkspace();
      terminal.socket.send(JSON.stringify({ data: "echo there $((20 + 3))\r" }));
      await waitFor(() => terminal.received().includes("there 23"), {
        what: "the terminal",
        timeoutMs: 30_000,
      });

      const before = front.ended();
      // Elapsed time is what is tested.
      await new Promise((done) => setTimeout(done, IDLE_MS));
      expect(front.ended()).toBe(before);
      expect(logs.socket.readyState).toBe(WebSocket.OPEN);
      ssh.send("echo still here $((40 + 2))\r");
      await ssh.expect("still here 42", 10_000);
      terminal.socket.send(JSON.stringify({ data: "echo still there $((40 + 2))\r" }));
      await waitFor(() => terminal.received().includes("still there 42"), {
        what: "the terminal after a while",
        timeoutMs: 10_000,
      });
      const known = changes.data();
      await succeed(fleet, ["schedule", "stop", "dev", name === "nginx" ? "3h" : "4h"]);
      await waitFor(() => changes.data() > known, { what: "the change to be told", timeoutMs: 10_000 });
      ssh.send("exit 5\r");
      expect(await ssh.exited).toMatchObject({ exitCode: 5 });
      for (const { socket } of [terminal, logs]) socket.terminate();
      changes.close();
    },
    150_000,
  );

  function start(name: FrontName) {
    return startFront(name, {
      folder: join(folder, name),
      port,
      to: Number(new URL(fleet.url).port),
      certificate,
    });
  }

  /** The workspace's agent, connected through the current front. */
  async function agentOf(): Promise<string> {
    const { workspaces } = await fleet.client.workspaceList({ query: { q: "name:dev" } });
    if (workspaces.length === 0) return (await createLocalWorkspace(fleet, "dev")).id;
    return (await agentReady(fleet, "dev")).id;
  }

  /** Pushes the template `local`, with workspaces that trust the certificate, like an operator's image. */
  async function pushTrustingTemplate(): Promise<void> {
    const template = join(folder, "template");
    await cp(TEMPLATE, template, { recursive: true });
    const script = join(template, "workspace.sh");
    const text = await readFile(script, "utf8");
    const trusting = text.replace(
      "    CODER_AGENT_TOKEN=",
      `    SSL_CERT_FILE='${certificate.file}' CODER_AGENT_TOKEN=`,
    );
    expect(trusting).not.toBe(text);
    await writeFile(script, trusting);
    const variables = [`data_dir=${join(fleet.configDir, "../workspaces")}`, "sandbox=never"];
    await succeed(fleet, [
      ...["templates", "push", "local", "--directory", template, "--yes"],
      ...variables.flatMap((each) => ["--variable", each]),
    ]);
  }

  async function openSocket(route: RouteName, agent: string, query: Record<string, unknown> = {}) {
    const url = routeUrl(routes[route], { params: { agent }, query }, `wss://127.0.0.1:${port}`);
    const socket = new WebSocket(url, { headers: { [SESSION_HEADER]: fleet.token }, ca: authority });
    let received = "";
    socket.on("message", (chunk) => {
      received += String(chunk);
    });
    await once(socket, "open");
    return { socket, received: () => received };
  }

  /** Counts the changes reported by server-sent events. */
  async function watchWorkspace() {
    const { id } = await workspaceOf(fleet, "dev");
    const url = routeUrl(routes.workspaceWatch, { params: { workspace: id } }, `https://127.0.0.1:${port}`);
    const headers = { [SESSION_HEADER]: fleet.token, accept: "text/event-stream" };
    const asked = request(url, { headers, ca: authority }).end();
    const [response] = await once(asked, "response");
    let text = "";
    response.on("data", (chunk: Buffer) => {
      text += chunk;
    });
    const data = () => text.split("event: data\n").length - 1;
    await waitFor(() => data() > 0, { what: "the workspace to be told", timeoutMs: 10_000 });
    return { data, close: () => asked.destroy() };
  }
});

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { SESSION_HEADER } from "@fleet/base";
import { routes, routeUrl, type Workspace, type WorkspaceAgent } from "@fleet/sdk";
import { WebSocket } from "ws";
import { createAppVisitor, portUrl } from "./app-visitor.js";
import type { FrontDoor } from "./installation.js";
import { waitUntil } from "./wait.js";

const READY_SECONDS = 180;
const TERMINAL_SECONDS = 60;

/** Runs the CLI; returns its output, or throws its error output. */
export async function coder(door: FrontDoor, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await door.coder(args);
  if (code !== 0) throw new Error(`coder ${args.join(" ")} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

export type WorkspacePlace = {
  /** Namespace of workspaces. */
  workspaces: string;
  image: string;
  /** Whether provisionerd uses gavinbunney/kubectl instead of hashicorp/kubernetes and applies manifests. */
  kubectlProvider: boolean;
  /** Folder for copies of templates. */
  folder: string;
};

/** Pushes the starter template `kubernetes`. */
export async function pushKubernetes(door: FrontDoor, of: WorkspacePlace): Promise<void> {
  const directory = join(of.folder, "template");
  await rm(directory, { recursive: true, force: true });
  await cp("templates/kubernetes", directory, { recursive: true });
  if (of.kubectlProvider)
    await cp("scripts/lint/fixtures/kubernetes-objects.tf", join(directory, "objects.tf"));
  const variables = [`namespace=${of.workspaces}`, `image=${of.image}`, "home_dir=/home/coder"];
  // A hostPath volume ignores fsGroup.
  if (of.kubectlProvider) variables.push("chown_home=true");
  await pushTemplate(door, "kubernetes", directory, variables);
}

/** Pushes a folder as a template, with variable values as `name=value`. */
export async function pushTemplate(
  door: FrontDoor,
  name: string,
  directory: string,
  variables: readonly string[],
): Promise<void> {
  const options = variables.flatMap((variable) => ["--variable", variable]);
  await coder(door, ["templates", "push", name, "--directory", directory, "--yes", ...options]);
}

/** Creates a minimal workspace of the template `kubernetes`, and waits until its agent is ready. */
export async function createWorkspace(door: FrontDoor, name: string): Promise<WorkspaceAgent> {
  const values = ["editor=false", "cpu=1", "memory=1", "disk=1"];
  const parameters = values.flatMap((value) => ["--parameter", value]);
  await coder(door, ["create", name, "--template", "kubernetes", "--yes", ...parameters]);
  return agentReady(door, name);
}

/** A command that serves a page with this text on a port of the workspace. */
export function serveCommand(port: number, text: string): string {
  return `mkdir -p ~/site && echo ${text} > ~/site/index.html && busybox httpd -p 127.0.0.1:${port} -h ~/site`;
}

export function workspaceOf(door: FrontDoor, workspaceName: string): Promise<Workspace> {
  return door.client.workspaceGetByName({ params: { user: "me", workspaceName } });
}

export function agentReady(door: FrontDoor, name: string): Promise<WorkspaceAgent> {
  return waitUntil(`the agent of ${name}`, READY_SECONDS, async () => {
    const { latest_build } = await workspaceOf(door, name);
    const agent = latest_build.resources.flatMap(({ agents }) => agents ?? [])[0];
    if (agent?.status === "connected" && agent.lifecycle_state === "ready") return agent;
    throw new Error(
      `it is ${agent?.status}, ${agent?.lifecycle_state}, and the build ${latest_build.status}`,
    );
  });
}

/** Types into a `coder ssh` shell with a terminal, and waits for the response. */
export async function typeOverSsh(
  door: FrontDoor,
  name: string,
  typed: string,
  answer: string,
): Promise<void> {
  // util-linux's script provides the terminal.
  const child = spawn("script", ["--quiet", "--command", `${door.executable} ssh ${name}`, "/dev/null"], {
    env: { ...process.env, ...door.env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  let screen = "";
  child.stdout.on("data", (chunk: Buffer) => {
    screen += chunk;
  });
  try {
    await waitUntil(
      "a prompt over SSH",
      TERMINAL_SECONDS,
      async () => /[$#] $/.test(stripVTControlCharacters(screen)),
      50,
    );
    child.stdin.write(`${typed}\r`);
    await waitUntil(`"${answer}" over SSH`, TERMINAL_SECONDS, async () => hasLine(screen, answer), 50);
    child.stdin.write("exit\r");
    await exited;
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`${(error as Error).message}\nThe screen shows:\n${screen}`, { cause: error });
  }
}

/** Types into a web terminal, like the dashboard, and waits for the response. */
export async function typeInWebTerminal(
  door: FrontDoor,
  agentId: string,
  typed: string,
  answer: string,
): Promise<void> {
  const url = routeUrl(
    routes.agentPty,
    { params: { agent: agentId }, query: { reconnect: randomUUID(), width: 80, height: 24 } },
    door.url,
  );
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    headers: { [SESSION_HEADER]: door.token },
  });
  let screen = "";
  socket.on("message", (chunk) => {
    screen += String(chunk);
  });
  await once(socket, "open");
  socket.send(JSON.stringify({ data: `${typed}\r` }));
  await waitUntil(
    `"${answer}" in the web terminal`,
    TERMINAL_SECONDS,
    async () => hasLine(screen, answer),
    50,
  );
  socket.close();
}

function hasLine(screen: string, text: string): boolean {
  return stripVTControlCharacters(screen)
    .split(/[\r\n]+/)
    .includes(text);
}

/** Opens a port of a workspace by its dev URL, signed in, through the proxy. Returns the page. */
export function openDevUrl(door: FrontDoor, workspace: string, port: number): Promise<string> {
  const visit = createAppVisitor({ ...door, get });
  return visit(portUrl(workspace, port));
}

type Answer = { status: number; headers: IncomingMessage["headers"]; body: string };

function get(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((done, fail) => {
    const hear = async (answer: IncomingMessage) => {
      let body = "";
      for await (const chunk of answer) body += chunk;
      return { status: answer.statusCode!, headers: answer.headers, body };
    };
    request(url, { headers }, (answer) => hear(answer).then(done, fail))
      .once("error", fail)
      .end();
  });
}

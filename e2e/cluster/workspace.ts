import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { routes, routeUrl, SESSION_TOKEN_HEADER, type Workspace, type WorkspaceAgent } from "@fleet/sdk";
import { WebSocket } from "ws";
import { APPS_DOMAIN, type FrontDoor } from "./installation.js";
import { waitUntil } from "./wait.js";

const READY_SECONDS = 180;
const TERMINAL_SECONDS = 60;

/** Runs the command line; gives what it printed, or throws what it complained of. */
export async function coder(door: FrontDoor, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await door.coder(args);
  if (code !== 0) throw new Error(`coder ${args.join(" ")} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

/**
 * Copies the starter template `kubernetes` to a folder. With `kubectlProvider`, its objects are applied as manifests by
 * gavinbunney/kubectl, for provisioners that cannot get hashicorp/kubernetes.
 */
export async function copyTemplate(folder: string, kubectlProvider: boolean): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await cp("templates/kubernetes", folder, { recursive: true });
  if (kubectlProvider) await cp("scripts/lint/fixtures/kubernetes-objects.tf", join(folder, "objects.tf"));
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

/** Types into the shell that `coder ssh` opens on a terminal, and waits for what it answers. */
export async function typeOverSsh(
  door: FrontDoor,
  name: string,
  typed: string,
  answer: string,
): Promise<void> {
  // util-linux's script gives it the terminal.
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

/** Types into a web terminal, as the dashboard does, and waits for what it answers. */
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
    headers: { [SESSION_TOKEN_HEADER]: door.token },
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

/**
 * Opens a dev URL as a browser does that is signed in to the deployment: it follows redirects to the access URL and
 * back, and keeps cookies. Every host is the front door. Gives the page.
 */
export async function openDevUrl(door: FrontDoor, workspace: string, port: number): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(`http://${port}--main--${workspace}--owner.${APPS_DOMAIN}/`);
  for (let hop = 0; hop < 8; hop++) {
    const isApp = url.host.endsWith(APPS_DOMAIN);
    const headers = {
      host: url.host,
      // Cookies of the deployment never reach an app's host, nor an app's the deployment.
      ...(isApp ? { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join("; ") } : {}),
      ...(isApp ? {} : { [SESSION_TOKEN_HEADER]: door.token }),
    };
    const answer = await get(door.port, `${url.pathname}${url.search}`, headers);
    const body = await text(answer);
    for (const line of isApp ? (answer.headers["set-cookie"] ?? []) : []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name) cookies.set(name, value ?? "");
    }
    if (answer.statusCode === 200) return body;
    if (!answer.headers.location)
      throw new Error(`${url} answered ${answer.statusCode}: ${body.slice(0, 500)}`);
    url = new URL(answer.headers.location, url);
  }
  throw new Error(`${url} redirects without end.`);
}

function get(port: number, path: string, headers: Record<string, string>): Promise<IncomingMessage> {
  return new Promise((done, fail) => {
    request({ host: "127.0.0.1", port, path, headers }, done).once("error", fail).end();
  });
}

async function text(answer: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of answer) body += chunk;
  return body;
}

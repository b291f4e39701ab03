import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { fillPath, isRaw, paramNames, type RouteName, type RouteSpec, routes, routeUrl } from "@fleet/sdk";
import pg from "pg";
import { WebSocket } from "ws";
import { ACTORS, type ActorName, type Actors, createActors } from "../testing/actors.js";
import { createTestCoderd, type TestCoderd } from "../testing/coderd.js";
import { createOauthProvider } from "../testing/oauth-provider.js";
import { createObjects, type MatrixCall } from "../testing/objects.js";
import { startProvisioner } from "../testing/work.js";
import { watchWrites } from "../testing/writes.js";
import { isAudited } from "./audit.js";

const GOLDEN = new URL("matrix.golden.txt", import.meta.url);
/**
 * Routes served by the proxy, and the gRPC of agents and external provisioners, where each call carries the token:
 * coderd's HTTP layer authorizes none of them.
 */
const NOT_HERE: readonly string[] = [
  "agentPty",
  "agentSsh",
  "agentForward",
  "agentTunnel",
  "agentRpc",
  "provisionerRpc",
];
/** Actors whose refusals are compared with the response for a missing object: who may see almost nothing. */
const CURIOUS: readonly ActorName[] = ["ana-app-key", "ben", "stranger"];
/** Five thousand requests, possibly on a busy machine. */
const LIMIT_MS = 900_000;
const TABLE = Object.entries(routes) as [RouteName, RouteSpec][];

/** Parameters that name objects of the first organization, which the stranger must never be told of. */
const CANARIES = [
  "organization",
  "user",
  "group",
  "template",
  "version",
  "job",
  "file",
  "workspace",
  "build",
  "agent",
] as const;

/** `text` is the whole answer, with its headers, of a plain route. */
type Answer = { status: number; message: string; text?: string };

/** Sends the request as a client would; streams are closed as soon as they open. */
async function send(
  baseUrl: string,
  route: RouteSpec,
  token: string | undefined,
  call: MatrixCall,
): Promise<Answer> {
  const url = routeUrl(route, { params: call.params ?? {}, query: call.query ?? {} }, baseUrl);
  const headers: Record<string, string> = token ? { "coder-session-token": token } : {};
  if (route.stream === "websocket" || route.stream === "exchange") return openSocket(url, headers);
  if (route.stream === "sse") headers.accept = "text/event-stream";
  const raw = route.body && isRaw(route.body);
  if (route.body) headers["content-type"] = raw ? call.contentType! : "application/json";
  const abort = new AbortController();
  const response = await fetch(url, {
    method: route.method,
    headers,
    redirect: "manual",
    signal: abort.signal,
    ...(route.body
      ? { body: raw ? (call.body as Uint8Array<ArrayBuffer>) : JSON.stringify(call.body ?? {}) }
      : {}),
  });
  const body = route.stream ? "" : await response.text();
  abort.abort();
  const message = !response.ok && body.startsWith("{") ? JSON.parse(body).message : "";
  return { status: response.status, message, text: `${JSON.stringify([...response.headers])} ${body}` };
}

function openSocket(url: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^http/, "ws"), { headers });
    socket.once("open", () => {
      socket.terminate();
      resolve({ status: 101, message: "" });
    });
    socket.once("unexpected-response", (_request, response) => {
      let text = "";
      response.on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode!, message: JSON.parse(text).message }));
    });
    socket.once("error", reject);
  });
}

/** `ok`: the actor is allowed, even if the request fails for another reason. */
function classOf({ status }: Answer): string {
  return [401, 403, 404].includes(status) ? String(status) : "ok";
}

/** The parameter that names the route's object; an organization or user only if it is the object itself. */
function objectParam(name: string, route: RouteSpec): string | undefined {
  const last = paramNames(route.path).at(-1);
  return last === "organization" && !name.startsWith("organization") ? undefined : last;
}

/** An id or name that does not exist. */
function missing(value: string): string {
  if (/^\d+$/.test(value)) return "2147483647";
  return /^[0-9a-f-]{36}$/.test(value) ? randomUUID() : "0none0";
}

test(
  "who may do what, on every route",
  async () => {
    await using hub = await createOauthProvider();
    await using server = await createTestCoderd({
      env: { CODER_SCIM_AUTH_HEADER: "matrix", CODER_WILDCARD_ACCESS_URL: "*.apps.test", ...hub.env("hub") },
    });
    const baseUrl = server.coderd.httpUrl;
    const actors = await createActors(server);
    await using daemon = await startProvisioner(server);
    daemon.serve();
    const objects = await createObjects(server, actors, hub);
    await using writes = await watchWrites(server.config.CODER_PG_CONNECTION_URL);
    const rows: string[] = [];
    const faults: string[] = [];

    async function ask(name: RouteName, route: RouteSpec, actor: ActorName): Promise<string> {
      const call = (await objects.calls[name]?.(actor)) ?? {};
      const named = Object.fromEntries(
        paramNames(route.path).map((param) => [param, call.params?.[param] ?? objects.params[param]!]),
      );
      const absent = Object.keys(named).find((param) => named[param] === undefined);
      if (absent) throw new Error(`${name}: nothing is known to stand for :${absent}`);
      const token = call.token ?? actors.tokens[actor];
      const answer = await send(baseUrl, route, token, { ...call, params: named });
      faults.push(...faultsOf(name, actor, route, answer, named));
      if (actor === "stranger" && classOf(answer) === "ok") {
        const secrets = ["ana@example.com", ...CANARIES.map((param) => objects.params[param]!)];
        for (const secret of secrets.filter((one) => answer.text?.includes(one)))
          faults.push(`${name} as stranger: tells of ${secret}, of another organization`);
      }

      const object = objectParam(name, route);
      const compared = CURIOUS.includes(actor) && (answer.status === 404 || object === "user");
      const oneself = object === "user" && actor === "ana-app-key";
      if (object && token && compared && !oneself) {
        const elsewhere = { ...named, [object]: missing(named[object]!) };
        const other = await send(baseUrl, route, token, { ...call, params: elsewhere });
        if (other.status !== answer.status || other.message !== answer.message) {
          const answers = [answer, other].map(({ status, message }) => `${status} "${message}"`);
          faults.push(`${name} as ${actor}: hidden ${answers[0]}, but missing ${answers[1]}`);
        }
      }
      return classOf(answer);
    }

    for (const [name, route] of TABLE) {
      if (NOT_HERE.includes(name)) continue;
      const classes: string[] = [];
      // Read-only requests can run for all actors concurrently.
      if (route.method === "GET") {
        await writes.settle();
        classes.push(...(await Promise.all(ACTORS.map((actor) => ask(name, route, actor)))));
        const written = await writes.taken();
        if (written.length > 0 && !isAudited(name) && !(name in UNAUDITED))
          faults.push(`${name} writes to ${written.join(", ")}, and is neither audited nor in UNAUDITED`);
      } else for (const actor of ACTORS) classes.push(await ask(name, route, actor));
      rows.push(
        `${name.padEnd(36)} ${route.method.padEnd(6)} ${classes.map((one) => one.padEnd(4)).join(" ")}`,
      );
    }

    const legend = ACTORS.map((actor, index) => `# ${index + 1} ${actor}`);
    faults.push(...(await secretsInAudit(server, actors)));
    const text = `${[...legend, ...rows.map((row) => row.trimEnd())].join("\n")}\n`;
    if (process.env.UPDATE_GOLDEN) writeFileSync(GOLDEN, text);
    const known = readFileSync(GOLDEN, "utf8").split("\n");
    for (const row of rows.map((one) => one.trimEnd()).filter((one) => !known.includes(one)))
      faults.push(
        `Not in ${basename(GOLDEN.pathname)}: "${row}". Run with UPDATE_GOLDEN=1 and review the difference.`,
      );
    expect(faults).toEqual([]);
    expect(text).toBe(readFileSync(GOLDEN, "utf8"));
  },
  LIMIT_MS,
);

/** Secrets found in the audit log after the run; there must be none. */
async function secretsInAudit({ config }: TestCoderd, { tokens }: Actors): Promise<string[]> {
  const client = new pg.Client({ connectionString: config.CODER_PG_CONNECTION_URL });
  await client.connect();
  const { rows } = await client.query<{ entry: string }>(
    "SELECT to_jsonb(l)::text AS entry FROM audit_logs l",
  );
  await client.end();
  const used = Object.values(tokens).filter((token) => token !== undefined);
  const secrets = [...used, "$scrypt$", "SomeSecurePassword", "PRIVATE KEY", "hunter22"];
  const found = secrets.filter((secret) => rows.some(({ entry }) => entry.includes(secret)));
  return [
    ...(rows.length > TABLE.length ? [] : [`the audit log has only ${rows.length} entries`]),
    ...found.map((secret) => `the audit log holds ${secret.slice(0, 10)}…`),
  ];
}

/** Problems of a response that do not depend on the actor. */
function faultsOf(
  name: string,
  actor: ActorName,
  route: RouteSpec,
  { status, message }: Answer,
  params: Record<string, string>,
): string[] {
  const at = `${name} as ${actor} (${fillPath(route.path, params)})`;
  if (status >= 500) return [`${at}: ${status} ${message}`];
  if (/^Invalid (request|path parameters|query parameters)\./.test(message))
    return [`${at}: the matrix sends what is not valid`];
  if (message === "Route not found." || message === "Stream not found.") return [`${at}: nobody serves it`];
  const signedIn =
    actor !== "anonymous" && actor !== "proxy" && (actor !== "agent" || route.access === "agent");
  if (!signedIn && route.access !== "public" && status !== 401) return [`${at}: ${status} without a session`];
  const permission = typeof route.access === "object";
  if (permission && actor === "ana-app-key" && ![403, 404].includes(status))
    return [`${at}: ${status} for a key that opens apps alone`];
  if (actor === "owner" && status === 403) return [`${at}: refused to the owner: ${message}`];
  return [];
}

/** Why some state-changing routes write no audit entry. */
const UNAUDITED: Partial<Record<RouteName, string>> = {
  agentAuthenticateAws: "an agent's own token, the same each time",
  agentAuthenticateAzure: "an agent's own token, the same each time",
  agentAuthenticateGoogle: "an agent's own token, the same each time",
  agentSelfHoldRelease: "what runs in the agent's own workspace",
  agentSelfHoldSet: "what runs in the agent's own workspace",
  agentDevcontainerDelete: "asks the agent, and changes nothing here",
  agentDevcontainerRecreate: "asks the agent, and changes nothing here",
  agentSelfLogSourceCreate: "an agent's own log",
  agentSelfLogsAppend: "an agent's own log",
  authCheck: "asks, and changes nothing",
  buildInfo: "makes the deployment's id when it is first asked for",
  convertLogin: "checks a password; the callback of the provider changes the user",
  deliveryRetry: "sends a message again, which its event has already told of",
  dryRunCancel: "ends a plan, which changes nothing",
  dryRunCreate: "plans, and changes nothing",
  entitlementsRefresh: "does nothing",
  scimUserSearch: "asks, and changes nothing",
  scimGroupSearch: "asks, and changes nothing",
  scimSearch: "asks, and changes nothing",
  fileUpload: "bytes that do nothing until a version of a template names them, which is audited",
  inboxMarkAllRead: "what a user has read",
  inboxReadStatusUpdate: "what a user has read",
  licenseCreate: "always refused",
  notificationCustom: "a message to oneself",
  notificationPreferencesUpdate: "which notifications a user wants",
  notificationTest: "a message to oneself",
  oauth2Revoke: "an app gives up a token of its own",
  passwordReset: "writes its entry itself, so that responses take the same time for users that do not exist",
  passwordResetRequest: "writes its entry itself, as passwordReset does",
  policyTest: "asks, and changes nothing",
  ptySignedToken: "opens a terminal of one's own session, and changes nothing",
  templateVersionDynamicParametersEvaluate: "asks, and changes nothing",
  templateVersionPlansCancel: "ends plans, which change nothing",
  templateVersionPlansCreate: "plans, and changes nothing",
  userAppearanceUpdate: "how the dashboard looks to a user",
  userUnpushedWorkCheckUpdate: "what a user wants to be told of",
  validatePassword: "asks, and changes nothing",
  workspacePlanCancel: "ends a plan, which changes nothing",
  workspacePlanCreate: "plans, and changes nothing",
  workspaceFavorite: "what a user has marked for itself",
  workspaceUnfavorite: "what a user has marked for itself",
  workspaceUsage: "a sign of life, once a minute of each client",
};

/** GET routes are checked for writes above; these are the ones that write. */
const writes = ([name, { method }]: [RouteName, RouteSpec]) => method !== "GET" || name in UNAUDITED;

test("every route that writes is audited or listed here", () => {
  const silent = TABLE.filter((row) => writes(row) && !isAudited(row[0])).map(([name]) => name);
  const unlisted = silent.filter((name) => !(name in UNAUDITED));
  const outdated = Object.keys(UNAUDITED).filter((name) => !silent.includes(name as RouteName));
  expect([
    ...unlisted.map((name) => `Add ${name} to http/audit.ts, or to UNAUDITED with a reason.`),
    ...outdated.map((name) => `Remove ${name} from UNAUDITED: it is audited, or does not exist.`),
  ]).toEqual([]);
});

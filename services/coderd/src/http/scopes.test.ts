import { once } from "node:events";
import { SCOPES } from "@fleet/rbac";
import {
  isRaw,
  paramNames,
  permissionsOf,
  type RouteName,
  type RouteSpec,
  routes,
  routeUrl,
} from "@fleet/sdk";
import { WebSocket } from "ws";
import { createActors } from "../testing/actors.js";
import { createTestCoderd, type TestCoderd } from "../testing/coderd.js";
import { createOauthProvider } from "../testing/oauth-provider.js";
import { createObjects, type MatrixCall, type MatrixObjects } from "../testing/objects.js";
import { startProvisioner } from "../testing/work.js";

/** Routes of the matrix that a permission protects, but for those that the proxy serves. */
const PROTECTED = (Object.entries(routes) as [RouteName, RouteSpec][]).filter(
  ([, { access, stream }]) => permissionsOf(access).length > 0 && stream !== "upgrade" && stream !== "socket",
);
/** Over two hundred requests, possibly on a busy machine. */
const LIMIT_MS = 240_000;
const UPGRADED: readonly string[] = ["websocket", "exchange"];

let server: TestCoderd;
let objects: MatrixObjects;
let ownerId: string;
const stack = new AsyncDisposableStack();

beforeAll(async () => {
  const hub = stack.use(await createOauthProvider());
  const env = { CODER_WILDCARD_ACCESS_URL: "*.apps.test", ...hub.env("hub") };
  server = stack.use(await createTestCoderd({ env }));
  const actors = await createActors(server);
  stack.use(await startProvisioner(server)).serve();
  objects = await createObjects(server, actors, hub);
  ownerId = actors.owner.id;
}, LIMIT_MS);
afterAll(() => stack.disposeAsync());

const tokenWith = async (scopes: string[]) =>
  (await server.coderd.domain.apiKeys.issue({ userId: ownerId, loginType: "token", tokenName: "t", scopes }))
    .token;

/** The status and JSON body of the owner's request with this token. */
async function send(name: RouteName, route: RouteSpec, token: string): Promise<[number, unknown]> {
  const call: MatrixCall = (await objects.calls[name]?.("owner")) ?? {};
  const params = Object.fromEntries(
    paramNames(route.path).map((param) => [param, call.params?.[param] ?? objects.params[param]!]),
  );
  const url = routeUrl(route, { params, query: call.query ?? {} }, server.coderd.httpUrl);
  const headers: Record<string, string> = { "coder-session-token": token };
  if (UPGRADED.includes(route.stream ?? "")) return [await upgrade(url, headers), undefined];
  const raw = route.body && isRaw(route.body);
  if (route.body) headers["content-type"] = raw ? call.contentType! : "application/json";
  if (route.stream === "sse") headers.accept = "text/event-stream";
  const abort = new AbortController();
  const body = raw ? (call.body as Uint8Array<ArrayBuffer>) : JSON.stringify(call.body ?? {});
  const response = await fetch(url, {
    method: route.method,
    headers,
    redirect: "manual",
    signal: abort.signal,
    ...(route.body ? { body } : {}),
  });
  const text = route.stream === "sse" && response.ok ? "" : await response.text();
  abort.abort();
  return [response.status, /^[[{]/.test(text) ? JSON.parse(text) : text];
}

async function upgrade(url: string, headers: Record<string, string>): Promise<number> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), { headers });
  socket.on("error", () => {});
  const opened = once(socket, "open").then(() => 101);
  const refused = once(socket, "unexpected-response").then(([, response]) => response.statusCode as number);
  const status = await Promise.race([opened, refused]);
  socket.terminate();
  return status;
}

/** True for a list without items, or an object whose lists have none. */
function isEmpty(body: unknown): boolean {
  if (Array.isArray(body)) return body.length === 0;
  if (typeof body !== "object" || body === null) return body === "";
  const lists = Object.values(body).filter((value) => Array.isArray(value) || value === null);
  return lists.length > 0 && lists.every((list) => list === null || list.length === 0);
}

test(
  "an owner's token with every scope but those of a route gets nothing from it",
  async () => {
    const single = SCOPES.filter((scope) => /^[a-z_]+:[a-z_]+$/.test(scope) && !scope.startsWith("coder:"));
    expect(PROTECTED.length).toBeGreaterThan(150);
    const faults: string[] = [];
    for (const [name, route] of PROTECTED) {
      const needed = permissionsOf(route.access).map(({ resource, action }) => `${resource}:${action}`);
      const token = await tokenWith(single.filter((scope) => !needed.includes(scope)));
      const [status, body] = await send(name, route, token);
      const nothing = [403, 404].includes(status) || (status === 200 && isEmpty(body));
      if (!nothing)
        faults.push(`${name} without ${needed.join(", ")}: ${status} ${JSON.stringify(body)?.slice(0, 200)}`);
    }
    expect(faults).toEqual([]);
  },
  LIMIT_MS,
);

test(
  "a token with another scope, or one that does not exist, gets nothing from any route",
  async () => {
    const faults: string[] = [];
    const token = await tokenWith(["coder:no.such.scope"]);
    for (const [name, route] of PROTECTED) {
      const [status, body] = await send(name, route, token);
      const nothing = [403, 404].includes(status) || (status === 200 && isEmpty(body));
      if (!nothing) faults.push(`${name}: ${status} ${JSON.stringify(body)?.slice(0, 200)}`);
    }
    expect(faults).toEqual([]);
  },
  LIMIT_MS,
);

/** What may be changed with any token, whatever its scopes. */
const HARMLESS: readonly string[] = [
  // Answers what the token may do.
  "authCheck",
  // About the user's own notifications.
  "inboxMarkAllRead",
  "inboxReadStatusUpdate",
  "notificationCustom",
  // Ends the token itself.
  "logout",
  // For an agent that the token may connect to.
  "ptySignedToken",
];

test("what a signed-in user may do with any token is harmless", () => {
  const open = (Object.entries(routes) as [RouteName, RouteSpec][]).filter(
    ([, { access, method }]) => access === "session" && method !== "GET",
  );
  expect(open.map(([name]) => name).filter((name) => !HARMLESS.includes(name))).toEqual([]);
});

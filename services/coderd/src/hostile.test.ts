import { once } from "node:events";
import { request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { AgentService } from "@fleet/proto-gen/agent";
import { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";
import { ProxyService } from "@fleet/proto-gen/proxy";
import { isFailureOf, isRaw, type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import { createHostile, type Hostile } from "@fleet/testkit";
import { WebSocket } from "ws";
import { createAgentWorkspace } from "./testing/agents.js";
import { createTestCoderd, PROXY_TOKEN, PSK, type TestCoderd } from "./testing/coderd.js";
import { startProvisioner } from "./testing/work.js";

/*
 * Whatever the input, coderd keeps serving, and never answers a client's bad input with a 500. An unhandled error
 * fails the test by itself (scripts/lint/unhandled.test.ts).
 */

const TABLE = Object.entries(routes) as [RouteName, RouteSpec][];
/** Requests that would end the session or account used by all others. */
const LAST = /^(logout|userDelete|userSuspend|userStatus|userPassword|userRoles|apiKeyDelete|tokenDelete)/i;
const TIMES = 4;
const LIMIT_MS = 120_000;

async function expectServing({ anonymous }: TestCoderd): Promise<void> {
  expect((await anonymous.buildInfo()).version).toBeTruthy();
}

/** A path of the route with real ids and garbage in its parameters, and a query that may be garbage. */
function urlOf(route: RouteSpec, hostile: Hostile, ids: readonly string[]): string {
  const part = () => (hostile.below(3) === 0 ? String(hostile.value(0)).slice(0, 200) : hostile.pick(ids));
  const encode = (text: string) =>
    hostile.below(8) === 0
      ? text.replace(/[^\x21-\x7e]|[#?/]/g, "%zz")
      : encodeURIComponent(text.toWellFormed());
  const path = route.path.replace(/:\w+/g, () => encode(part()) || "x");
  const names = [
    "q",
    "limit",
    "offset",
    "after",
    "before",
    "after_id",
    "follow",
    "format",
    "start_date",
    "%41",
  ];
  const query = Array.from({ length: hostile.below(3) }, () => `${hostile.pick(names)}=${encode(part())}`);
  return `${path}?${query.join("&")}`;
}

function bodyOf(route: RouteSpec, hostile: Hostile): Buffer {
  if (route.body && isRaw(route.body)) return hostile.bytes(2_000);
  const names = [
    "name",
    "username",
    "email",
    "password",
    "template_id",
    "roles",
    "ttl_ms",
    "schedule",
    "transition",
  ];
  const body = Object.fromEntries(Array.from({ length: 4 }, () => [hostile.pick(names), hostile.value()]));
  const json = JSON.stringify(hostile.below(4) === 0 ? hostile.value() : body);
  return hostile.below(3) === 0 ? hostile.mutate(json) : Buffer.from(json);
}

/**
 * Sends the raw request, as no well-behaved client library would. Returns the status; 0 if the connection was closed.
 */
async function ask(base: URL, method: string, path: string, headers: Record<string, string>, body?: Buffer) {
  const asking = request({ host: base.hostname, port: base.port, method, path, headers, agent: false });
  asking.end(body);
  try {
    const [response] = await once(asking, "response");
    response.on("error", () => {});
    let text = "";
    const patience = setTimeout(() => response.destroy(), 300); // An event stream does not end.
    response.on("data", (chunk: Buffer) => (text += chunk));
    await once(response, "close");
    clearTimeout(patience);
    return {
      status: response.statusCode as number,
      type: String(response.headers["content-type"]),
      text,
    };
  } catch {
    return { status: 0, type: "", text: "" };
  }
}

test(
  "nonsense to every route is never the server's fault",
  async () => {
    const hostile = createHostile(11);
    await using server = await createTestCoderd({ env: { CODER_SCIM_AUTH_HEADER: "hostile" } });
    const owner = await server.owner();
    const ana = await server.user(owner, { username: "ana" });
    await using provisioner = await startProvisioner(server);
    provisioner.serve();
    const { workspace, template, agentId } = await createAgentWorkspace(owner, ana);
    const ids = [
      "me",
      "ana",
      "default",
      "dev",
      ana.id,
      workspace.id,
      template.id,
      agentId,
      workspace.latest_build.id,
    ];
    const base = new URL(server.coderd.httpUrl);
    const faults: string[] = [];
    for (const [name, route] of TABLE) {
      if (LAST.test(name)) continue;
      for (let time = 0; time < TIMES; time++) {
        const headers: Record<string, string> = { "coder-session-token": owner.token };
        if (route.access === "scim") headers.authorization = "hostile";
        if (route.stream === "sse") headers.accept = "text/event-stream";
        const body = route.body ? bodyOf(route, hostile) : undefined;
        if (body) headers["content-length"] = String(body.length);
        if (body)
          headers["content-type"] = hostile.pick([
            "application/json",
            "application/x-tar",
            "application/zip",
            "application/x-www-form-urlencoded",
          ]);
        const path = urlOf(route, hostile, ids);
        const { status, type, text } = await ask(base, route.method, path, headers, body);
        if (status === 500)
          faults.push(`${name} ${path.slice(0, 200)} ${body?.toString().slice(0, 200)}: ${text}`);
        if (status >= 400 && !isFailureOf(route, type, text))
          faults.push(`${name} ${path} says nothing: ${status} ${text}`);
      }
    }
    expect(faults).toEqual([]);
    await expectServing(server);
  },
  LIMIT_MS,
);

test("broken bytes on the HTTP and gRPC ports, and on WebSockets", async () => {
  const hostile = createHostile(12);
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const samples = [
    `GET /api/v2/users/me HTTP/1.1\r\nHost: a\r\nCoder-Session-Token: ${owner.token}\r\nCookie: a=%41; coder_session_token=%\r\n\r\n`,
    `POST /api/v2/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    `GET /api/v2/workspaceagents/me/rpc HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: coder-agent-rpc/1\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    "GET /%E0%A4%A HTTP/1.1\r\nHost: a\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x05\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a",
  ];
  const ports = [new URL(server.coderd.httpUrl).port, server.coderd.grpcAddress.split(":").at(-1)!];
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const socket = connect({ host: "127.0.0.1", port: Number(hostile.pick(ports)) });
      socket.on("error", () => {}).resume();
      socket.end(hostile.mutate(hostile.pick(samples)));
      const patience = setTimeout(() => socket.destroy(), 500);
      await once(socket, "close").catch(() => {});
      clearTimeout(patience);
    }),
  );
  for (let round = 0; round < 30; round++) {
    const socket = new WebSocket(
      `${server.coderd.httpUrl.replace("http", "ws")}/api/v2/notifications/inbox/watch`,
      {
        headers: { "coder-session-token": owner.token },
      },
    );
    socket.on("error", () => {});
    await once(socket, "open");
    const { _socket: raw } = socket as unknown as { _socket: import("node:net").Socket };
    raw.write(hostile.mutate(Buffer.from([0x81, 0x85, 0, 0, 0, 0, 104, 101, 108, 108, 111])));
    raw.end();
    await once(socket, "close");
  }
  await expectServing(server);
});

/** A message that decodes: random fields of any number and type, with values that code tends to forget. */
function message(hostile: Hostile, depth = 2): Buffer {
  const fields = Array.from({ length: hostile.below(8) }, () => {
    const field = 1 + hostile.below(12);
    switch (hostile.below(4)) {
      case 0:
        return Buffer.from([
          field << 3,
          ...(hostile.below(2) ? [hostile.below(128)] : [...Buffer.alloc(9, 0xff), 1]),
        ]);
      case 1: {
        const double = Buffer.alloc(9);
        double[0] = (field << 3) | 1;
        double.writeDoubleLE(hostile.pick([Number.NaN, Number.POSITIVE_INFINITY, -1, 1e300]), 1);
        return double;
      }
      default: {
        const text = Buffer.from(String(hostile.value(0)).slice(0, 100));
        const inner =
          depth > 0 && hostile.below(2)
            ? message(hostile, depth - 1).subarray(0, 127)
            : text.subarray(0, 127);
        return Buffer.concat([Buffer.from([(field << 3) | 2, inner.length]), inner]);
      }
    }
  });
  return Buffer.concat(fields);
}

test("invalid messages from daemons, agents and proxies are rejected as the client's fault", async () => {
  const hostile = createHostile(13);
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  await using provisioner = await startProvisioner(server);
  provisioner.serve();
  const { token } = await createAgentWorkspace(owner, ana);
  const session = connectHttp2(`http://${server.coderd.grpcAddress}`);
  session.on("error", () => {});
  const secrets = {
    "coder-provisioner-daemon-psk": PSK,
    "coder-agent-token": token,
    "coder-proxy-token": PROXY_TOKEN,
  };
  const faults: string[] = [];
  for (const service of [AgentService, ProvisionerDaemonService, ProxyService]) {
    for (const { name } of Object.values(service.method)) {
      for (let time = 0; time < 12; time++) {
        const payload = time % 3 === 0 ? hostile.bytes(200) : message(hostile);
        const head = Buffer.alloc(5);
        head.writeUInt32BE(hostile.below(10) === 0 ? hostile.below(2 ** 31) : payload.length, 1);
        const stream = session.request({
          ":method": "POST",
          ":path": `/${service.typeName}/${name}`,
          "content-type": "application/grpc",
          te: "trailers",
          ...secrets,
        });
        let status: unknown;
        let said: unknown;
        const hear = (headers: Record<string, unknown>) => {
          status ??= headers["grpc-status"];
          said ??= headers["grpc-message"];
        };
        stream.on("error", () => {}).resume();
        stream.on("response", hear).on("trailers", hear);
        stream.end(Buffer.concat([head, payload]));
        const patience = setTimeout(() => stream.close(), 200);
        await once(stream, "close").catch(() => {});
        clearTimeout(patience);
        // grpc-js answers undecodable messages with INTERNAL itself; coderd's own INTERNAL says that details are in
        // its log.
        if (status === "13" && String(said).includes("internal%20error"))
          faults.push(`${name} ${payload.toString("hex")}`);
      }
    }
  }
  session.destroy();
  expect(faults).toEqual([]);
  await expectServing(server);
});

import { Agent, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { isFailureOf, isRaw, openApiDocument, paramNames, type RouteSpec, routes } from "@fleet/sdk";
import type { Findings } from "./findings.js";
import type { Caller, Objects } from "./objects.js";
import { HOSTILE_BODIES, HOSTILE_HEADERS, HOSTILE_JSON, HOSTILE_TEXT } from "./values.js";

/** A request that takes longer counts as hung. */
export const HANG_MS = 20_000;
const PARALLEL = 8;
/** Ends the caller's own session, and with it everything that follows. */
const NEVER: ReadonlySet<string> = new Set(["logout"]);

/** The operations to test; an agent's own calls need an agent's token. */
export const OPERATIONS = Object.entries<RouteSpec>(routes).filter(
  ([name, { access }]) => !NEVER.has(name) && access !== "agent",
);

type Case = {
  name: string;
  route: RouteSpec;
  path: string;
  body?: string | Buffer;
  headers?: Record<string, string>;
};

/** Sends each operation invalid requests, one fault at a time, until the list or the time is exhausted. */
export async function sendHostile(options: {
  url: string;
  callers: readonly Caller[];
  objects: Objects;
  findings: Findings;
  until: number;
}): Promise<void> {
  const { url, callers, findings } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: PARALLEL });
  const { statuses, bodies } = readDocument();
  const cases = shuffled([...everyCase(options.objects, bodies)]);
  let next = 0;

  async function work(): Promise<void> {
    while (next < cases.length && Date.now() < options.until) {
      const index = next++;
      const caller = callers[index % callers.length]!;
      const one = cases[index]!;
      findings.cases += 1;
      const said = `${caller.name}: ${one.route.method} ${one.path.slice(0, 200)} ${describe(one)}`;
      const answer = await send(agent, url, one, caller.token);
      if (answer === "hang") findings.add("hangs", one.name, said);
      else if (answer !== "cut") check(one, answer, statuses, findings, said);
    }
  }

  await Promise.all(Array.from({ length: PARALLEL }, work));
  agent.destroy();
}

/** Statuses answered before an operation is matched: no such operation, or an Expect header that Node cannot meet. */
const ELSEWHERE: ReadonlySet<number> = new Set([404, 405, 417]);

type Answer = { status: number; type: string; body: Buffer };

function check(
  { name, route }: Case,
  { status, type, body }: Answer,
  statuses: Map<string, Set<number>>,
  findings: Findings,
  said: string,
): void {
  const text = () => body.toString().slice(0, 300);
  if (status >= 500) {
    findings.add("server_errors", name, `${said}: ${status} ${text()}`);
    return;
  }
  const here = statuses.get(name)!;
  if (!here.has(status) && !ELSEWHERE.has(status)) {
    findings.add("schema_mismatches", name, `${said}: ${status} is not declared`);
    return;
  }
  if (status === 417) return;
  if (status >= 400) {
    if (!isFailureOf(route, type, body.toString()))
      findings.add("schema_mismatches", name, `${said}: ${status} ${type} ${text()}`);
    return;
  }
  const { response } = route;
  if (status !== route.status || !response || isRaw(response) || route.stream) return;
  const shape = response.safeParse(parsed(body));
  if (!shape.success) {
    findings.add("schema_mismatches", name, `${said}: ${shape.error.message} in ${text()}`);
  }
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch (error) {
    return error;
  }
}

function describe({ body, headers }: Case): string {
  return `${headers ? JSON.stringify(headers) : ""} ${body === undefined ? "" : JSON.stringify(String(body).slice(0, 150))}`;
}

function send(agent: Agent, url: string, one: Case, token: string): Promise<Answer | "hang" | "cut"> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const call = request({
      agent,
      hostname,
      port,
      method: one.route.method,
      path: one.path,
      headers: {
        "coder-session-token": token,
        ...(one.body === undefined ? {} : { "content-type": "application/json" }),
        ...one.headers,
      },
    });
    const timer = setTimeout(() => {
      resolve("hang");
      call.destroy();
    }, HANG_MS);
    const end = (answer: Answer | "cut") => {
      clearTimeout(timer);
      resolve(answer);
    };
    call.once("error", () => end("cut"));
    call.once("response", (response) => {
      const type = String(response.headers["content-type"]);
      if (type.startsWith("text/event-stream")) {
        end({ status: response.statusCode!, type, body: Buffer.alloc(0) });
        call.destroy();
        return;
      }
      buffer(response).then(
        (body) => end({ status: response.statusCode!, type, body }),
        () => end("cut"),
      );
    });
    call.end(one.body);
  });
}

function* everyCase(objects: Objects, bodies: ReadonlyMap<string, Body>): Generator<Case> {
  for (const [name, route] of OPERATIONS) {
    const reads = route.method === "GET";
    const values = reads ? objects.kept : objects.spare;
    const fill = (params: Record<string, string>) =>
      route.path.replace(/:(\w+)/g, (_, param: string) => params[param] ?? values[param] ?? "none");
    for (const param of paramNames(route.path)) {
      for (const value of HOSTILE_TEXT) yield { name, route, path: fill({ [param]: value }) };
    }
    for (const field of Object.keys(route.query?.shape ?? {})) {
      for (const value of HOSTILE_TEXT) yield { name, route, path: `${fill({})}?${field}=${value}` };
    }
    if (reads) for (const headers of HOSTILE_HEADERS) yield { name, route, path: fill({}), headers };
    if (!route.body) continue;
    for (const body of HOSTILE_BODIES) yield { name, route, path: fill({}), body };
    if (isRaw(route.body)) continue;
    const { type, schema } = bodies.get(name)!;
    const typed = { "content-type": type };
    for (const value of mutated(schema, values)) {
      yield { name, route, path: fill({}), body: written(value, type), headers: typed };
    }
    const valid = written(sample(schema, values, ""), type);
    for (const headers of HOSTILE_HEADERS)
      yield { name, route, path: fill({}), body: valid, headers: { ...typed, ...headers } };
  }
}

/** The body that a route takes, as JSON or as a form. */
type Body = { type: string; schema: Schema };

function written(value: unknown, type: string): string {
  if (type !== "application/x-www-form-urlencoded") return JSON.stringify(value);
  const fields = Object.entries(value as object).map(([key, each]) => [
    key,
    typeof each === "string" ? each.toWellFormed() : JSON.stringify(each),
  ]);
  return new URLSearchParams(fields as [string, string][]).toString();
}

type Schema = {
  type?: string;
  format?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
};

/** Valid bodies except for one value, at every place in them. */
function* mutated(schema: Schema, objects: Record<string, string>): Generator<unknown> {
  const whole = sample(schema, objects, "") as Record<string, unknown>;
  for (const [field, inner] of Object.entries(schema.properties ?? {})) {
    for (const value of HOSTILE_JSON) yield { ...whole, [field]: value };
    const item = elementOf(inner);
    if (!item) continue;
    for (const value of HOSTILE_JSON) {
      yield { ...whole, [field]: item.list ? [value] : { a: value } };
      for (const key of Object.keys(item.schema.properties ?? {})) {
        const element = { ...(sample(item.schema, objects, "") as object), [key]: value };
        yield { ...whole, [field]: item.list ? [element] : { a: element } };
      }
    }
  }
}

function elementOf(schema: Schema): { schema: Schema; list: boolean } | undefined {
  if (schema.anyOf) return schema.anyOf.map(elementOf).find(Boolean);
  if (schema.items) return { schema: schema.items, list: true };
  if (typeof schema.additionalProperties === "object")
    return { schema: schema.additionalProperties, list: false };
  return undefined;
}

/** A value that the schema allows; IDs are those of existing objects. */
function sample(schema: Schema, objects: Record<string, string>, name: string): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.anyOf) return sample(schema.anyOf[0]!, objects, name);
  switch (schema.type) {
    case "string":
      if (schema.format === "uuid") return objects[name.replace(/_id$/, "")] ?? objects.template;
      if (schema.format === "email") return "someone@example.com";
      return schema.format === "date-time" ? "2030-01-01T00:00:00Z" : "a";
    case "number":
    case "integer":
      return Math.max(schema.minimum ?? 0, 0);
    case "boolean":
      return false;
    case "array":
      return [];
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, inner]) => [key, sample(inner, objects, key)]),
      );
    default:
      return null;
  }
}

type Operation = {
  operationId: string;
  responses: object;
  requestBody?: { content: Record<string, { schema: Schema }> };
  "x-stream"?: { operationId: string };
};

/** The declared statuses and body of each operation. */
function readDocument() {
  const document = openApiDocument() as {
    paths: Record<string, Record<string, Operation>>;
    components: { schemas: Record<string, Schema> };
  };
  const statuses = new Map<string, Set<number>>();
  const bodies = new Map<string, Body>();
  for (const operation of Object.values(document.paths).flatMap((item) => Object.values(item))) {
    const declared = new Set(Object.keys(operation.responses).map(Number));
    for (const id of [operation.operationId, operation["x-stream"]?.operationId]) {
      if (id) statuses.set(id, declared);
    }
    const [content] = Object.entries(operation.requestBody?.content ?? {});
    if (content) {
      const [type, { schema }] = content;
      bodies.set(operation.operationId, { type, schema: resolved(schema, document.components.schemas) });
    }
  }
  return { statuses, bodies };
}

/** The schema with its references inlined; request schemas have no cycles. */
function resolved(schema: Schema, components: Record<string, Schema>): Schema {
  return JSON.parse(JSON.stringify(schema), (_key, value) => {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(value?.$ref)?.[1];
    return name ? resolved(components[name]!, components) : value;
  });
}

/** Interleaves evenly, so that a run that ends early has covered some of everything. */
function shuffled<T>(items: T[]): T[] {
  for (let index = items.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [items[index], items[other]] = [items[other]!, items[index]!];
  }
  return items;
}

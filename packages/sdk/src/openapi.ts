import { SESSION_COOKIE, SESSION_HEADER, VERSION } from "@fleet/base";
import * as z from "zod";
import { isUserAccess, statusesOf } from "./openapi-statuses.js";
import { paramSchema } from "./params.js";
import { IDEMPOTENCY_KEY_HEADER, isRaw, paramNames, type Raw, type Route, SCIM_MEDIA_TYPE } from "./route.js";
import { routeChapters } from "./routes/index.js";
import * as types from "./types/index.js";

/** Routes by their chapter of the document. */
export type Chapters = Record<string, Record<string, Route>>;

type Json = Record<string, unknown>;
type Components = { ref(schema: z.ZodType): Json; schemas(): Json };

/**
 * The OpenAPI 3.1 document of these routes. A type of the contract is a component under its own name; a route's
 * inline type is a component under the route's name. If a stream shares its path with a plain route, the plain
 * route is described, and `x-stream` names the stream.
 */
export function openApiDocument(chapters: Chapters = routeChapters): Json {
  const components = createComponents();
  const paths: Record<string, Json> = {};
  for (const [tag, routes] of Object.entries(chapters)) {
    for (const [name, route] of Object.entries(routes)) {
      const path = route.path.replace(/:(\w+)/g, "{$1}");
      const method = route.method.toLowerCase();
      const item = paths[path] ?? {};
      paths[path] = item;
      const twin = item[method] as Json | undefined;
      if (twin) twin["x-stream"] = streamOf(name, route, components);
      else item[method] = operation(name, tag, route, components);
    }
  }
  return {
    openapi: "3.1.0",
    info: { title: "Coder API", version: VERSION, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    tags: Object.keys(chapters).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        token: { type: "apiKey", in: "header", name: SESSION_HEADER },
        cookie: { type: "apiKey", in: "cookie", name: SESSION_COOKIE },
        scim: { type: "http", scheme: "bearer" },
      },
      schemas: components.schemas(),
    },
  };
}

function operation(name: string, tag: string, route: Route, components: Components): Json {
  return {
    operationId: name,
    tags: [tag],
    summary: route.summary,
    security: securityOf(route),
    "x-access": route.access,
    ...(route.stream ? { "x-stream": streamOf(name, route, components) } : {}),
    ...(route.protocol ? { "x-protocol": route.protocol } : {}),
    parameters: [
      ...pathParameters(route.path),
      ...queryParameters(route.query),
      ...(route.takesKey ? [KEY_PARAMETER] : []),
    ],
    ...(route.body
      ? { requestBody: { required: true, content: content(route, route.body, components) } }
      : {}),
    responses: Object.fromEntries(
      statusesOf(route).map(([status, { description, body }]) => [
        String(status),
        {
          description,
          ...(body === "response" && route.response ? { content: responseContent(route, components) } : {}),
          ...(body === "failure" ? { content: failureContent(route, components) } : {}),
        },
      ]),
    ),
  };
}

function content(route: Route, body: z.ZodType | Raw, components: Components): Json {
  if (!isRaw(body)) return jsonContent(body, components, mediaType(route));
  return Object.fromEntries(body.raw.map((type) => [type, { schema: type === FORM ? FIELDS : {} }]));
}

const FORM = "application/x-www-form-urlencoded";
/** A form without files: names and texts. */
const FIELDS: Json = { type: "object", additionalProperties: { type: "string" } };

function streamOf(name: string, { stream, message }: Route, components: Components): Json {
  return {
    operationId: name,
    kind: stream,
    ...(message ? { "x-message-schema": components.ref(message) } : {}),
  };
}

function responseContent(route: Route, components: Components): Json {
  const found = content(route, route.response!, components);
  if (route.stream !== "sse") return found;
  // A schema here would be that of the event's frame; its data is described beside it.
  const { schema } = found["application/json"] as Json;
  return { "text/event-stream": { schema: {}, "x-event-schema": schema } };
}

function jsonContent(schema: z.ZodType, components: Components, type = "application/json"): Json {
  return { [type]: { schema: components.ref(schema) } };
}

function securityOf(route: Route): Json[] {
  if (route.access === "public") return [];
  if (route.access === "scim") return [{ scim: [] }];
  return [{ token: [] }, ...(isUserAccess(route) ? [{ cookie: [] }] : [])];
}

function mediaType({ failure }: Route): string {
  return failure === "scim" ? SCIM_MEDIA_TYPE : "application/json";
}

function failureContent(route: Route, components: Components): Json {
  const { failure } = route;
  if (failure === "page") return { "text/html": { schema: {} } };
  if (failure === "scim") return jsonContent(types.ScimError, components, mediaType(route));
  return jsonContent(failure ? types.OAuth2Error : types.ApiMessage, components);
}

function pathParameters(path: string): Json[] {
  return paramNames(path).map((name) => ({
    name,
    in: "path",
    required: true,
    schema: withoutDialect(toSchema(paramSchema(name))),
  }));
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  if (!query) return [];
  const { properties = {}, required = [] } = toSchema(query);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}

const KEY_PARAMETER: Json = {
  name: IDEMPOTENCY_KEY_HEADER,
  in: "header",
  required: false,
  description:
    "Makes retries safe: repeating a request with the same key returns the resource that was created first instead of creating another one. Using the key with a different request fails with 422. Use a different UUID for each resource.",
  schema: { type: "string", minLength: 1, maxLength: 255 },
};

/** Named schemas become components; the others are inlined, with references inside. */
function createComponents(): Components {
  const registry = z.registry<{ id: string }>();
  const ids = new Map<z.ZodType, string>();
  for (const [id, schema] of Object.entries(types)) {
    if (!(schema instanceof z.ZodType)) continue;
    registry.add(schema, { id });
    ids.set(schema, id);
  }
  return {
    ref(schema) {
      const id = ids.get(schema);
      return id ? { $ref: reference(id) } : inline(schema, registry);
    },
    schemas() {
      const { schemas } = z.toJSONSchema(registry, { ...options, uri: reference });
      return Object.fromEntries(
        Object.entries(schemas).map(([id, { $schema, $id, ...schema }]) => [id, schema]),
      );
    },
  };
}

function withoutDialect({ $schema, ...schema }: Json): Json {
  return schema;
}

/** A schema with `$ref`s to the components for every named schema in it. */
function inline(schema: z.ZodType, registry: z.core.$ZodRegistry<{ id: string }>): Json {
  const { $schema, $defs, id, ...json } = z.toJSONSchema(schema, { ...options, metadata: registry });
  const text = JSON.stringify(json).replaceAll('"#/$defs/', `"${reference("")}`);
  return JSON.parse(text) as Json;
}

function toSchema(schema: z.ZodType) {
  return z.toJSONSchema(schema, options);
}

function reference(id: string): string {
  return `#/components/schemas/${id}`;
}

/**
 * Requests and responses alike are described as they are sent. Objects are open: another version may add fields.
 */
const options = {
  io: "input",
  unrepresentable: "any",
  override({
    zodSchema,
    jsonSchema,
  }: {
    zodSchema: z.core.$ZodTypes;
    jsonSchema: z.core.JSONSchema.BaseSchema;
  }) {
    const { def } = zodSchema._zod;
    if (def.type === "pipe") describePipe(def, jsonSchema);
    // `.meta({ id })` of the registry is a name, not part of the schema.
    delete jsonSchema.id;
  },
} as const;

/** Query values are text, but described by their meaning: a boolean, a number within its bounds. */
function describePipe(def: z.core.$ZodPipeDef, jsonSchema: z.core.JSONSchema.BaseSchema): void {
  if (def.out instanceof z.ZodBoolean) Object.assign(jsonSchema, { type: "boolean" });
  if (def.out instanceof z.ZodNumber) Object.assign(jsonSchema, withoutDialect(toSchema(def.out)));
}

import { openApiDocument } from "./openapi.js";
import { routes } from "./routes/index.js";

type Operation = {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: object }[];
  responses: Record<string, unknown>;
  "x-stream"?: { operationId: string };
};
type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, { properties?: object; required?: string[] }> };
};

const document = JSON.parse(JSON.stringify(openApiDocument())) as Document;
const operations = Object.values(document.paths).flatMap((item) => Object.values(item));

/** Every value under a key, at any depth. */
function valuesOf(key: string, node: unknown): unknown[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => [
    ...(name === key ? [value] : []),
    ...valuesOf(key, value),
  ]);
}

describe("openApiDocument", () => {
  it("resolves every reference", () => {
    const references = new Set(valuesOf("$ref", document) as string[]);
    expect(references.size).toBeGreaterThan(50);
    const dangling = [...references].filter((reference) => {
      const path = reference.replace(/^#\//, "").split("/");
      return (
        path.reduce<unknown>(
          (node, key) => (node as Record<string, unknown> | undefined)?.[key],
          document,
        ) === undefined
      );
    });
    expect(dangling).toEqual([]);
  });

  it("contains every route once, as an operation or its stream", () => {
    const ids = operations.flatMap((operation) => [
      operation.operationId,
      operation["x-stream"]?.operationId,
    ]);
    expect([...new Set(ids)].filter(Boolean).sort()).toEqual(Object.keys(routes).sort());
    const operationIds = operations.map(({ operationId }) => operationId);
    expect(new Set(operationIds).size).toBe(operationIds.length);
  });

  it("declares every path parameter as required", () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(item)) {
        expect(parameters.filter((p) => p.in === "path" && p.required).map(({ name }) => name)).toEqual(
          inPath,
        );
      }
    }
  });

  it("uses only JSON Schema features", () => {
    expect(valuesOf("$defs", document)).toEqual([]);
    expect(valuesOf("additionalProperties", document).filter((value) => value === false)).toEqual([]);
  });

  it("names a shared type once and refers to it", () => {
    expect(document.components.schemas.Workspace!.properties).toMatchObject({
      id: { type: "string", format: "uuid" },
      latest_build: { $ref: "#/components/schemas/WorkspaceBuild" },
    });
    expect(document.paths["/api/v2/templates"]!.get!.responses["200"]).toMatchObject({
      content: {
        "application/json": { schema: { type: "array", items: { $ref: "#/components/schemas/Template" } } },
      },
    });
  });

  it("omits optional request fields from `required`", () => {
    expect(document.components.schemas.CreateBuildRequest!.required).toEqual(["transition"]);
  });

  it("lists the statuses of each operation, without a default", () => {
    for (const { operationId, responses } of operations) {
      expect([operationId, Object.keys(responses).filter((status) => !/^\d{3}$/.test(status))]).toEqual([
        operationId,
        [],
      ]);
    }
    const statuses = (path: string, method: string) => Object.keys(document.paths[path]![method]!.responses);
    expect(statuses("/api/v2/templates/{template}", "get")).toEqual([
      "200",
      "304",
      "400",
      "401",
      "403",
      "404",
      "429",
      "500",
      "503",
    ]);
    expect(statuses("/api/v2/files", "post")).toEqual(expect.arrayContaining(["200", "201", "413", "415"]));
    expect(statuses("/api/v2/debug/ws", "get")).toEqual(expect.arrayContaining(["101", "426"]));
  });

  it("bounds parameters and describes event streams", () => {
    const [user] = document.paths["/api/v2/users/{user}"]!.get!.parameters;
    expect(user!.schema).toMatchObject({ type: "string", minLength: 1, maxLength: 128 });
    const limit = document.paths["/api/v2/users"]!.get!.parameters.find(({ name }) => name === "limit");
    expect(limit!.schema).toMatchObject({ type: "integer", minimum: 0, maximum: 2_147_483_647 });
    expect(document.paths["/api/v2/workspaces/{workspace}/watch"]!.get!.responses["200"]).toMatchObject({
      content: { "text/event-stream": expect.anything() },
    });
  });

  it("describes query values by their parsed type", () => {
    const { parameters } = document.paths["/api/v2/templates/{template}/versions"]!.get!;
    const types = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
    expect(types).toMatchObject({ include_archived: { type: "boolean" }, limit: { type: "integer" } });
  });
});

describe("routes", () => {
  it("share a method and path only between a plain route and its stream", () => {
    const seen = new Map<string, { stream?: string }[]>();
    for (const route of Object.values(routes) as { method: string; path: string; stream?: string }[]) {
      const key = `${route.method} ${route.path.replace(/:\w+/g, ":")}`;
      seen.set(key, [...(seen.get(key) ?? []), route]);
    }
    for (const [key, sharing] of seen) {
      expect({ key, plain: sharing.filter(({ stream }) => !stream).length > 1 }).toEqual({
        key,
        plain: false,
      });
      expect({ key, streams: sharing.filter(({ stream }) => stream).length > 1 }).toEqual({
        key,
        streams: false,
      });
    }
  });
});

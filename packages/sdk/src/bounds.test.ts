import * as z from "zod";
import { paramSchema } from "./params.js";
import { isRaw, paramNames, type RouteSpec } from "./route.js";
import { routes } from "./routes/index.js";

type Schema = {
  type?: string;
  format?: string;
  const?: unknown;
  enum?: unknown[];
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  properties?: Record<string, Schema>;
  items?: Schema;
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  anyOf?: Schema[];
  allOf?: Schema[];
};

/** The parts of a request that may grow without limit. Formats are bounded by themselves. */
function unbounded(schema: Schema, at: string): string[] {
  const inner = [...(schema.anyOf ?? []), ...(schema.allOf ?? [])].flatMap((one) => unbounded(one, at));
  const fixed = schema.const !== undefined || schema.enum !== undefined;
  switch (schema.type) {
    case "string":
      return [...inner, ...(fixed || isBounded(schema) ? [] : [`${at}: a string without end`])];
    case "number":
    case "integer": {
      const bounded = fixed || (schema.minimum !== undefined && schema.maximum !== undefined);
      return [...inner, ...(bounded ? [] : [`${at}: a number without bounds`])];
    }
    case "object": {
      const values = schema.additionalProperties;
      return [
        ...inner,
        ...Object.entries(schema.properties ?? {}).flatMap(([name, one]) => unbounded(one, `${at}.${name}`)),
        ...(schema.propertyNames ? unbounded(schema.propertyNames, `${at} keys`) : []),
        ...(typeof values === "object" ? unbounded(values, `${at}.*`) : []),
      ];
    }
    case "array":
      return [...inner, ...unbounded(schema.items ?? {}, `${at}[]`)];
    default:
      return inner;
  }
}

/** A string without a maximum has a format, whose pattern bounds it: a UUID, a time. */
function isBounded({ maxLength, format }: Schema): boolean {
  return maxLength !== undefined || format !== undefined;
}

const toSchema = (schema: z.ZodType) =>
  z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      // What a query's text stands for.
      if (def.type === "pipe" && def.out instanceof z.ZodNumber) Object.assign(jsonSchema, toSchema(def.out));
      if (def.type === "pipe" && def.out instanceof z.ZodBoolean)
        Object.assign(jsonSchema, { type: "boolean" });
    },
  }) as Schema;

test("every request field is bounded", () => {
  const found = Object.entries<RouteSpec>(routes).flatMap(([name, { path, query, body }]) => [
    ...paramNames(path).flatMap((param) => unbounded(toSchema(paramSchema(param)), `${name} :${param}`)),
    ...(query ? unbounded(toSchema(query), `${name}?`) : []),
    ...(body && !isRaw(body) ? unbounded(toSchema(body), name) : []),
  ]);
  expect(found).toEqual([]);
});

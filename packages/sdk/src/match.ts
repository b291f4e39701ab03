import { FleetError } from "@fleet/base";
import type { Method, RouteSpec } from "./route.js";

/** A route that matches a path, by its name. */
export type NamedRoute<R extends RouteSpec = RouteSpec> = { name: string; route: R };

export type RouteMatch =
  /** The routes of this method and path: one, or a plain one and its stream. */
  | { kind: "found"; routes: readonly NamedRoute[]; params: Record<string, string> }
  /** The path is declared, but not with this method. */
  | { kind: "method"; allow: readonly string[] }
  | { kind: "none" };

export type RouteMatcher = {
  /**
   * Finds the route for a method and path (without query). Paths are compared case-sensitively, with or without a
   * trailing `/`; HEAD matches wherever GET does. Throws `invalid_argument` for a path that cannot be decoded.
   */
  match(method: string, pathname: string): RouteMatch;
  /** The pattern of the path, `/api/v2/users/:user`: the same for all its values. Undefined if nothing matches. */
  patternOf(pathname: string): string | undefined;
};

type Compiled = {
  path: string;
  segments: readonly string[];
  byMethod: Map<Method, NamedRoute[]>;
};

/** The only place that parses paths with `:parameters`; used by servers, proxies and tests. */
export function createRouteMatcher(table: Readonly<Record<string, RouteSpec>>): RouteMatcher {
  const bySize = new Map<number, Compiled[]>();
  for (const [name, route] of Object.entries(table)) {
    const segments = segmentsOf(route.path);
    const same = bySize.get(segments.length) ?? [];
    bySize.set(segments.length, same);
    let compiled = same.find(({ path }) => path === route.path);
    if (!compiled) {
      compiled = { path: route.path, segments, byMethod: new Map() };
      same.push(compiled);
    }
    const routes = compiled.byMethod.get(route.method) ?? [];
    compiled.byMethod.set(route.method, [...routes, { name, route }]);
  }
  for (const same of bySize.values()) same.sort((a, b) => compareSegments(a.segments, b.segments));

  const candidates = (segments: readonly string[]) =>
    (bySize.get(segments.length) ?? []).filter((compiled) => fits(compiled.segments, segments));

  return {
    match(method, pathname) {
      const segments = segmentsOf(pathname);
      const found = candidates(segments);
      const wanted = (method === "HEAD" ? "GET" : method) as Method;
      for (const { segments: pattern, byMethod } of found) {
        const routes = byMethod.get(wanted);
        if (routes) return { kind: "found", routes, params: paramsOf(pattern, segments) };
      }
      if (found.length === 0) return { kind: "none" };
      return { kind: "method", allow: allowed(found) };
    },
    patternOf: (pathname) => candidates(segmentsOf(pathname))[0]?.path,
  };
}

function segmentsOf(path: string): string[] {
  const segments = path.split("/").slice(1);
  if (segments.length > 1 && segments.at(-1) === "" && segments.at(-2) !== "") segments.pop();
  return segments;
}

/** Literal segments before parameters, so that `/users/first` does not match `/users/:user`. */
function compareSegments(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < a.length; index++) {
    const difference = Number(isParam(a[index]!)) - Number(isParam(b[index]!));
    if (difference !== 0) return difference;
  }
  return 0;
}

function isParam(segment: string): boolean {
  return segment.startsWith(":");
}

function fits(pattern: readonly string[], segments: readonly string[]): boolean {
  return pattern.every((part, index) => (isParam(part) ? segments[index] !== "" : part === segments[index]));
}

function paramsOf(pattern: readonly string[], segments: readonly string[]): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    if (isParam(part)) params[part.slice(1)] = decode(segments[index]!);
  }
  return params;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FleetError(
      "invalid_argument",
      "The path is invalid: it contains a malformed percent-encoding.",
      {
        cause,
      },
    );
  }
}

function allowed(found: readonly Compiled[]): string[] {
  const methods = new Set<string>(found.flatMap(({ byMethod }) => [...byMethod.keys()]));
  if (methods.has("GET")) methods.add("HEAD");
  return [...methods, "OPTIONS"].sort();
}

import { DASHBOARD_PAGES, isDashboardPage } from "./dashboard-pages.js";
import { createRouteMatcher } from "./match.js";
import type { RouteSpec } from "./route.js";

const route = (method: RouteSpec["method"], path: `/${string}`, stream?: RouteSpec["stream"]): RouteSpec => ({
  method,
  path,
  summary: "",
  access: "public",
  ...(stream ? { stream } : {}),
});

const matcher = createRouteMatcher({
  user: route("GET", "/users/:user"),
  userDelete: route("DELETE", "/users/:user"),
  first: route("GET", "/users/first"),
  keys: route("GET", "/users/:user/keys/:key"),
  tokens: route("GET", "/users/:user/keys/tokens"),
  watch: route("GET", "/users/:user/watch"),
  watchEvents: route("GET", "/users/:user/watch", "sse"),
});

function found(method: string, path: string): string[] {
  const match = matcher.match(method, path);
  return match.kind === "found" ? match.routes.map(({ name }) => name) : [match.kind];
}

test.each([
  ["GET", "/users/first", ["first"]],
  ["GET", "/users/ana", ["user"]],
  ["GET", "/users/ana/", ["user"]],
  ["HEAD", "/users/ana", ["user"]],
  // The literal route has no DELETE, so the other one matches.
  ["DELETE", "/users/first", ["userDelete"]],
  ["GET", "/users/ana/keys/tokens", ["tokens"]],
  ["GET", "/users/ana/keys/abc", ["keys"]],
  ["GET", "/users/ana/watch", ["watch", "watchEvents"]],
  ["GET", "/Users/ana", ["none"]],
  ["GET", "/users//keys/abc", ["none"]],
  ["GET", "/users", ["none"]],
  ["GET", "//users/ana", ["none"]],
  ["GET", "//", ["none"]],
  ["GET", "users/ana", ["none"]],
])("%s %s matches %j", (method, path, names) => {
  expect(found(method, path)).toEqual(names);
});

test("parameters are decoded, one segment each", () => {
  expect(matcher.match("GET", "/users/a%2Fb%20c")).toMatchObject({ params: { user: "a/b c" } });
});

test("a path that cannot be decoded is rejected, only in a parameter", () => {
  expect(() => matcher.match("GET", "/users/%ZZ")).toThrow("The path is invalid");
  expect(() => matcher.match("GET", "/users/%c3%28")).toThrow("The path is invalid");
  expect(matcher.match("GET", "/elsewhere/%ZZ").kind).toBe("none");
});

test("an unsupported method is reported with the supported ones", () => {
  expect(matcher.match("PATCH", "/users/ana")).toEqual({
    kind: "method",
    allow: ["DELETE", "GET", "HEAD", "OPTIONS"],
  });
});

test("a path matches one pattern, whatever its parameters are", () => {
  expect(matcher.patternOf("/users/%ZZ")).toBe("/users/:user");
  expect(matcher.patternOf("/users/first")).toBe("/users/first");
  expect(matcher.patternOf("/nothing")).toBeUndefined();
});

test("only the dashboard's pages match its patterns", () => {
  const example = (page: string) =>
    page.replace("*", "builds/3").replace(":user", "ana").replace(/:\w+/g, "some");
  for (const page of DASHBOARD_PAGES) expect([page, isDashboardPage(example(page))]).toEqual([page, true]);
  expect(isDashboardPage("/@ana/dev.main/terminal")).toBe(true);
  for (const path of [
    "/.well-known/oauth-authorization-server",
    "/oauth2/authorize",
    "/oauth2/register",
    "/scim/v2/Users",
    "/latency-check",
    "/external-auth/github/callback",
    "/ana/dev",
    "/@ana",
    "/index.html",
    "/api/v3",
    "/workspaces/x",
    "/%ZZ",
  ]) {
    expect([path, isDashboardPage(path)]).toEqual([path, false]);
  }
});

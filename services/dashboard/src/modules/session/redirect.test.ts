import { destinationOf, loginPath } from "./redirect.js";

const ORIGIN = "https://coder.example.com";
const HOME = { kind: "page", path: "/workspaces" };

test.each([
  ["/templates?x=1#y", { kind: "page", path: "/templates?x=1#y" }],
  ["/cli-auth", { kind: "page", path: "/cli-auth" }],
  ["/@ana/dev.main/terminal?command=top", { kind: "page", path: "/@ana/dev.main/terminal?command=top" }],
  ["/oauth2/authorize?client_id=a&state=b", { kind: "app", path: "/oauth2/authorize?client_id=a&state=b" }],
  ["/@ana/dev.main/apps/code/", { kind: "app", path: "/@ana/dev.main/apps/code/" }],
  [
    "/api/v2/applications/auth-redirect?redirect_uri=https%3A%2F%2Fa.apps.example.com",
    {
      kind: "app",
      path: "/api/v2/applications/auth-redirect?redirect_uri=https%3A%2F%2Fa.apps.example.com",
    },
  ],
  [
    `${ORIGIN}/api/v2/applications/auth-redirect?redirect_uri=x`,
    { kind: "app", path: "/api/v2/applications/auth-redirect?redirect_uri=x" },
  ],
])("redirects to %s", (redirect, destination) => {
  expect(destinationOf(redirect, ORIGIN)).toEqual(destination);
});

test.each([
  null,
  "",
  "https://evil.example.com/",
  "//evil.example.com/x",
  "/\\evil.example.com",
  "\\\\evil.example.com",
  "/x/..//evil.example.com",
  "javascript:alert(1)",
  "data:text/html,x",
  `${ORIGIN}/templates`,
  `${ORIGIN}.evil.example.com/api/v2/applications/auth-redirect`,
  "/api/v2/users/logout",
  `${ORIGIN}/oauth2/authorize?client_id=a`,
  "/login?redirect=/login",
  "http://[",
])("goes to the home page for %s", (redirect) => {
  expect(destinationOf(redirect, ORIGIN)).toEqual(HOME);
});

test("the login page returns to the previous page", () => {
  const path = loginPath({ pathname: "/@ana/dev", search: "?a=b&c" });
  expect(destinationOf(new URL(path, ORIGIN).searchParams.get("redirect"), ORIGIN).path).toBe(
    "/@ana/dev?a=b&c",
  );
});

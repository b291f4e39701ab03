import type { WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";
import { appAddress, editorAddress, portAddress } from "./app-address.js";

const agent = { name: "main" } as WorkspaceAgent;
const workspace = { owner_name: "ana", name: "dev" };
const address = (app: Partial<WorkspaceApp>, wildcardHost = "*.apps.example.com") =>
  appAddress({
    app: { slug: "code", ...app } as WorkspaceApp,
    agent,
    workspace,
    wildcardHost,
    protocol: "https:",
  });

test("an app is opened by path, by subdomain or as a command", () => {
  expect(address({})).toEqual({ kind: "link", href: "/@ana/dev.main/apps/code/", here: false });
  expect(address({ subdomain: true, subdomain_name: "code--main--dev--ana" })).toEqual({
    kind: "link",
    href: "https://code--main--dev--ana.apps.example.com/",
    here: false,
  });
  expect(address({ subdomain: true, subdomain_name: "code--dev--ana" }, "").kind).toBe("none");
  expect(address({ command: "htop -d 5" })).toEqual({
    kind: "link",
    href: "/@ana/dev.main/terminal?app=code",
    here: true,
  });
});

test("an external URL is opened unchanged, but never as script", () => {
  expect(address({ external: true, url: "https://docs.example.com" })).toMatchObject({ kind: "link" });
  expect(address({ external: true, url: "vscode://x" })).toMatchObject({ kind: "link", href: "vscode://x" });
  for (const url of [
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "data:text/html,x",
    "blob:x",
    "nonsense",
    "",
  ])
    expect(address({ external: true, url }).kind).toBe("none");
});

test("a session token is passed to local programs, never to a web site", () => {
  const program = address({ external: true, url: "jetbrains://gateway?token=$SESSION_TOKEN" });
  expect(program.kind === "needs-token" && program.href("a&b")).toBe("jetbrains://gateway?token=a%26b");
  expect(address({ external: true, url: "https://evil.example.com/?t=$SESSION_TOKEN" }).kind).toBe("link");
});

test("a port has a URL only with a wildcard host", () => {
  const options = { agent, workspace, protocol: "https:", port: 8080 };
  expect(portAddress({ ...options, wildcardHost: "*--x.example.com" })).toBe(
    "https://8080--main--dev--ana--x.example.com/",
  );
  expect(portAddress({ ...options, wildcardHost: "" })).toBeUndefined();
});

test("an editor link contains everything that its extension reads", () => {
  const url = new URL(
    editorAddress("vscode", { agent, workspace, origin: "https://c.example.com", token: "t" }),
  );
  expect(Object.fromEntries(url.searchParams)).toMatchObject({
    owner: "ana",
    workspace: "dev",
    agent: "main",
    url: "https://c.example.com",
    token: "t",
  });
});

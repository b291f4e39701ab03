import { nameOfHost, parseWorkspaceName } from "./workspace-name.js";

test.each([
  ["dev", { owner: "me", workspace: "dev" }],
  ["ana/dev", { owner: "ana", workspace: "dev" }],
  ["dev.main", { owner: "me", workspace: "dev", agent: "main" }],
  ["ana/dev.main", { owner: "ana", workspace: "dev", agent: "main" }],
  ["ana--dev", { owner: "ana", workspace: "dev" }],
  ["ana--dev.main", { owner: "ana", workspace: "dev", agent: "main" }],
  ["ana--dev--main", { owner: "ana", workspace: "dev", agent: "main" }],
  ["main.dev.ana", { owner: "ana", workspace: "dev", agent: "main" }],
  ["my-dev", { owner: "me", workspace: "my-dev" }],
])("%s", (text, name) => {
  expect(parseWorkspaceName(text)).toEqual(name);
});

test.each(["", "a/b/c/d", "ana/", "-dev", "dev-", "a b", "../dev", "dev;rm"])("%j is refused", (text) => {
  expect(() => parseWorkspaceName(text)).toThrow("is not a valid workspace name");
});

test("a host loses its prefix or its suffix", () => {
  expect(nameOfHost("coder.dev", "coder.", undefined)).toBe("dev");
  expect(nameOfHost("coder-vscode.example.com--ana--dev.main", "coder-vscode.example.com--", undefined)).toBe(
    "ana--dev.main",
  );
  expect(nameOfHost("dev.coder", undefined, "coder")).toBe("dev");
  expect(nameOfHost("coder", undefined, "coder")).toBe("coder");
});

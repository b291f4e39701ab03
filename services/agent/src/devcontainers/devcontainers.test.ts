import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { mergeCustomizations } from "./cli.js";
import { discover } from "./discovery.js";
import { findEngine } from "./engine.js";

function folder() {
  const path = mkdtempSync(join(tmpdir(), "devcontainers-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

test("dev containers of git repositories are found at the places of containers.dev, not deeper", async () => {
  await using home = folder();
  const files = [
    "app/.git/HEAD",
    "app/.devcontainer/devcontainer.json",
    "app/.devcontainer/gpu/devcontainer.json",
    "app/.devcontainer/notes/readme.md",
    "team/web/.git/HEAD",
    "team/web/.devcontainer.json",
    // No repository, a dependency's, and too deep.
    "loose/.devcontainer.json",
    "node_modules/x/.git/HEAD",
    "node_modules/x/.devcontainer.json",
    "a/b/c/d/.git/HEAD",
    "a/b/c/d/.devcontainer.json",
  ];
  for (const file of files) {
    mkdirSync(dirname(join(home.path, file)), { recursive: true });
    writeFileSync(join(home.path, file), "{}");
  }
  const { signal } = new AbortController();
  const found = await discover(home.path, signal);
  expect(found.map(({ configPath }) => configPath.slice(home.path.length + 1)).sort()).toEqual([
    "app/.devcontainer/devcontainer.json",
    "app/.devcontainer/gpu/devcontainer.json",
    "team/web/.devcontainer.json",
  ]);
  expect(await discover(join(home.path, "nowhere"), signal)).toEqual([]);
});

test("customizations of an image, its features and the file are merged, and what is no customization is left out", () => {
  expect(
    mergeCustomizations([
      {
        autoStart: true,
        displayApps: { vscode: true, ssh_helper: true },
        apps: [{ slug: "docs", url: "http://a" }],
      },
      "not an object",
      null,
      {
        name: "backend",
        displayApps: { vscode: false },
        apps: [{ slug: "docs", url: "http://b" }, { url: "none" }],
      },
    ]),
  ).toEqual({
    ignore: false,
    autoStart: true,
    name: "backend",
    displayApps: { vscode: false, ssh_helper: true },
    apps: [{ slug: "docs", url: "http://b" }],
  });
});

test("an engine that answers badly is an error in words, and one that is not there is none", async () => {
  await using home = folder();
  const socket = join(home.path, "docker.sock");
  expect(findEngine({ DOCKER_HOST: `unix://${socket}` })).toBeUndefined();
  expect(findEngine({ DOCKER_HOST: "tcp://10.0.0.1:2375" })).toBeUndefined();
  let answer: { status: number; body: string } = { status: 500, body: "" };
  const server = createServer((_request, response) => {
    response.writeHead(answer.status).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  try {
    const engine = findEngine({ DOCKER_HOST: `unix://${socket}` })!;
    await expect(engine.containers()).rejects.toThrow("The container engine did not answer: status 500.");
    answer = { status: 200, body: "<html>" };
    await expect(engine.containers()).rejects.toThrow("it is not JSON");
    answer = {
      status: 200,
      body: JSON.stringify([{ Id: "c1", Names: ["/busy"], State: "running", Ports: null }]),
    };
    expect(await engine.containers()).toEqual([
      expect.objectContaining({ id: "c1", name: "busy", running: true, ports: [], labels: {} }),
    ]);
    answer = { status: 404, body: "" };
    await engine.remove("gone");
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { FleetError } from "@fleet/base";
import { type Handlers, startDeployment } from "../../testing/deployment.js";
import { user, workspace } from "../../testing/objects.js";
import { spawnableCli } from "../../testing/process.js";
import { createTestCli, type TestCli } from "../../testing/run.js";

const TOKEN = "0123456789-secretsecretsecretsecre";

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

/** Accepts one token. */
const handlers: Handlers = {
  userFirst: () => ({ message: "There is one." }),
  userGet: ({ token }) => {
    if (token !== TOKEN) throw new FleetError("unauthenticated", "No such session.");
    return user();
  },
  keyCreate: ({ token }) => {
    if (token !== TOKEN) throw new FleetError("unauthenticated", "No such session.");
    return { key: TOKEN };
  },
  workspaceList: () => ({ workspaces: [workspace()], count: 1 }),
};

/** Runs the command as a separate process, with its own environment and standard streams. */
async function spawned(args: string[], env: Record<string, string>, input: string | "open" = "") {
  const { command, args: line, env: base } = spawnableCli(args, cli.folder);
  const child = spawn(command, line, { env: { ...base, ...env } });
  if (input !== "open") child.stdin.end(input);
  const [stderr, [status]] = await Promise.all([
    text(child.stderr),
    once(child, "close"),
    text(child.stdout),
  ]);
  return { status: status as number, stderr };
}

test("login reads a token from a pipe", async () => {
  await using deployment = await startDeployment(handlers);
  expect(await cli.run(["login", deployment.url], `${TOKEN}\n`)).toMatchObject({ status: 0 });
  expect(await readFile(join(cli.folder, "config/session"), "utf8")).toBe(TOKEN);
  const empty = await cli.run(["login", deployment.url], "");
  expect(empty).toMatchObject({ status: 1 });
  expect(empty.stderr).toContain("pass --token or pipe it");
});

test("an invalid CODER_SESSION_TOKEN is named, at login and elsewhere", async () => {
  await using deployment = await startDeployment(handlers);
  const env = { CODER_SESSION_TOKEN: "stale", CODER_CONFIG_DIR: join(cli.folder, "config") };
  const login = await spawned(["login", deployment.url], env);
  expect(login).toMatchObject({ status: 1 });
  expect(login.stderr).toContain("unset CODER_SESSION_TOKEN");
  expect(login.stderr).not.toContain("coder login");
  const whoami = await spawned(["--url", deployment.url, "whoami"], env);
  expect(whoami.stderr).toContain("The token comes from CODER_SESSION_TOKEN");
});

test("variables that override the login are named", async () => {
  await using deployment = await startDeployment(handlers);
  const env = { CODER_URL: "https://other.example.com", CODER_CONFIG_DIR: join(cli.folder, "config") };
  const { status, stderr } = await spawned(["login", deployment.url], env, TOKEN);
  expect(status).toBe(0);
  expect(stderr).toContain("Other commands use CODER_URL (https://other.example.com) instead of this login");
});

test("CODER_ORGANIZATION selects the organization", async () => {
  await using deployment = await startDeployment({
    ...handlers,
    organizationGet: ({ params }) => {
      throw new FleetError("not_found", `No organization ${params.organization}.`);
    },
  });
  const args = ["--url", deployment.url, "--token", TOKEN, "organizations", "show"];
  expect((await spawned(args, { CODER_ORGANIZATION: "research" })).stderr).toContain(
    "No organization research.",
  );
});

test("a closed output pipe ends the command silently", async () => {
  const workspaces = Array.from({ length: 2000 }, (_, index) => workspace({ name: `ws${index}` }));
  await using deployment = await startDeployment({
    ...handlers,
    workspaceList: () => ({ workspaces, count: workspaces.length }),
  });
  const args = ["--url", deployment.url, "--token", TOKEN, "list", "-o", "json"];
  const { command, args: line, env } = spawnableCli(args, cli.folder);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's braces
  const script = '"$@" | head -c 10 >/dev/null; echo "${PIPESTATUS[0]}"';
  const shell = spawn("bash", ["-c", script, "bash", command, ...line], { env });
  expect(await Promise.all([text(shell.stdout), text(shell.stderr)])).toEqual(["141\n", ""]);
});

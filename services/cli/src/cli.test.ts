import { randomUUID } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { FleetError } from "@fleet/base";
import type { WorkspaceBuild } from "@fleet/sdk";
import { unzipSync } from "fflate";
import { type Handlers, startDeployment } from "./testing/deployment.js";
import { build, job, parameter, template, user, version, workspace } from "./testing/objects.js";
import { createTestCli, type TestCli } from "./testing/run.js";

const TOKEN = "0123456789-secretsecretsecretsecre";

let cli: TestCli;
beforeEach(async () => {
  cli = await createTestCli();
});
afterEach(() => cli[Symbol.asyncDispose]());

/** Runs a signed-in command against a deployment. */
async function runAgainst(handlers: Handlers, args: string[], input?: string) {
  await using deployment = await startDeployment(handlers);
  const result = await cli.run(["--url", deployment.url, "--token", TOKEN, ...args], input);
  return { ...result, requests: deployment.requests };
}

describe("login", () => {
  test("creates the first user of an empty deployment, and keeps url and session for later commands", async () => {
    const created: unknown[] = [];
    await using deployment = await startDeployment({
      userFirst: () => {
        throw new FleetError("not_found", "There is no user yet.");
      },
      userFirstCreate: ({ body }) => {
        created.push(body);
        return { user_id: user().id, organization_id: user().id };
      },
      login: ({ body }) => {
        expect(body).toEqual({ email: "ana@example.com", password: "SomeStrongPassword1" });
        return { session_token: TOKEN };
      },
      userGet: ({ token }) => {
        expect(token).toBe(TOKEN);
        return user();
      },
    });
    const login = await cli.run([
      ...["login", deployment.url, "--first-user-username", "ana", "--first-user-email", "ana@example.com"],
      ...["--first-user-password", "SomeStrongPassword1"],
    ]);
    expect(login).toMatchObject({ status: 0, stdout: "" });
    expect(created).toMatchObject([{ username: "ana" }]);
    const folder = join(cli.folder, "config");
    expect(await readFile(join(folder, "url"), "utf8")).toBe(deployment.url);
    expect((await stat(join(folder, "session"))).mode & 0o777).toBe(0o600);

    expect(await cli.run(["login", "token"])).toMatchObject({ status: 0, stdout: `${TOKEN}\n` });
    const whoami = await cli.run(["whoami", "-o", "json"]);
    expect(JSON.parse(whoami.stdout)).toMatchObject([{ url: deployment.url, username: "ana" }]);
  });

  test("creates its own session from --token, unless told to keep the token", async () => {
    const handlers: Handlers = {
      userFirst: () => ({ message: "There is one." }),
      userGet: () => user(),
      keyCreate: ({ token }) => ({ key: `made-from-${token}` }),
    };
    const session = () => readFile(join(cli.folder, "config/session"), "utf8");
    await runAgainst(handlers, ["login"]);
    expect(await session()).toBe(`made-from-${TOKEN}`);
    await runAgainst(handlers, ["login", "--use-token-as-session"]);
    expect(await session()).toBe(TOKEN);
  });

  test("logout deletes the stored token, even if the server no longer knows it", async () => {
    await runAgainst({ userFirst: () => ({ message: "" }), userGet: () => user() }, [
      "login",
      "--use-token-as-session",
    ]);
    const refuse = () => {
      throw new FleetError("unauthenticated", "The session has ended.");
    };
    expect((await runAgainst({ logout: refuse }, ["logout", "--yes"])).status).toBe(0);
    await expect(stat(join(cli.folder, "config/session"))).rejects.toThrow("ENOENT");
  });
});

describe("machine-readable output", () => {
  test("version -o json prints JSON and nothing else", async () => {
    const { status, stdout, stderr } = await cli.run(["version", "--output", "json"]);
    expect([status, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).version).toMatch(/^v\d+\.\d+\.\d+$/);
  });

  test("list -o json is the API's own shape; the table takes columns", async () => {
    const workspaces = [workspace({ name: "one" }), workspace({ name: "two", outdated: true })];
    const handlers: Handlers = {
      workspaceList: ({ query }) => {
        expect(query.get("q")).toBe("owner:me");
        return { workspaces, count: 2 };
      },
    };
    const json = await runAgainst(handlers, ["list", "-o", "json"]);
    expect(JSON.parse(json.stdout).map(({ name }: { name: string }) => name)).toEqual(["one", "two"]);
    const table = await runAgainst(handlers, ["ls", "-c", "workspace,outdated"]);
    expect(table.stdout).toBe("WORKSPACE  OUTDATED\nana/one    false\nana/two    true\n");
    const wrong = await runAgainst(handlers, ["ls", "-c", "nonsense"]);
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain('"nonsense" is not a valid column');
  });
});

describe("errors", () => {
  test("without a deployment, the error says what to do", async () => {
    expect(await cli.run(["list"])).toEqual({
      status: 1,
      stdout: "",
      stderr: "error: Not signed in to any deployment. Sign in with: coder login https://coder.example.com\n",
    });
  });

  test("an unreachable deployment is named", async () => {
    const { status, stderr } = await cli.run(["--url", "http://127.0.0.1:9", "--token", TOKEN, "whoami"]);
    expect(status).toBe(1);
    expect(stderr).toContain("Could not reach http://127.0.0.1:9");
    expect(stderr).not.toContain(TOKEN);
  });

  test("a prompt without a terminal fails and names the flag", async () => {
    const { status, stderr } = await runAgainst({ workspaceGetByName: () => workspace() }, ["delete", "dev"]);
    expect(status).toBe(1);
    expect(stderr).toContain("Pass --yes.");
  });
});

test("a support bundle contains the available parts and lists the missing ones", async () => {
  const file = join(cli.folder, "bundle.zip");
  const { status } = await runAgainst(
    { workspaceGetByName: () => workspace(), workspaceBuildLogs: () => [], experiments: () => ["one"] },
    ["support", "bundle", "dev", "--yes", "-O", file],
  );
  expect(status).toBe(0);
  const files = unzipSync(new Uint8Array(await readFile(file)));
  const content = (path: string) => JSON.parse(new TextDecoder().decode(files[path]));
  expect(content("deployment/experiments.json")).toEqual(["one"]);
  expect(content("workspace/workspace.json")).toMatchObject({ name: "dev" });
  expect(content("deployment/health.json").error).toContain("No route");
});

describe("builds", () => {
  const at = (seconds: number) => `2026-11-24T09:00:0${seconds}.000Z`;
  const line = (id: number, stage: string, output: string, log_level = "info") => ({
    id,
    created_at: at(id),
    log_source: "provisioner",
    log_level,
    stage,
    output,
  });

  test("start follows the log by stages, and sends the given parameters", async () => {
    const stopped = workspace({ latest_build: build({ transition: "stop", status: "stopped" }) });
    const bodies: unknown[] = [];
    const { status, stderr } = await runAgainst(
      {
        workspaceGetByName: () => stopped,
        templateVersionRichParameters: () => [parameter("region")],
        workspaceBuildParameters: () => [{ name: "region", value: "eu" }],
        workspaceBuildCreate: ({ body }) => {
          bodies.push(body);
          return build({ job: job({ status: "pending" }) });
        },
        workspaceBuildLogsFollow: () => [
          line(1, "Planning infrastructure", "plan: 1 to add"),
          line(2, "Planning infrastructure", "noise", "debug"),
          line(4, "Starting workspace", "done"),
        ],
        workspaceBuildGet: () => build(),
      },
      ["start", "dev", "--parameter", "region=us", "--reason", "jetbrains_connection", "--yes"],
    );
    expect(status).toBe(0);
    expect(bodies).toEqual([
      {
        transition: "start",
        reason: "jetbrains_connection",
        template_version_id: stopped.latest_build.template_version_id,
        rich_parameter_values: [{ name: "region", value: "us" }],
      },
    ]);
    expect(stderr).toBe(
      [
        "==> ⧗ Planning infrastructure",
        "plan: 1 to add",
        "=== ✔ Planning infrastructure [3s]",
        "==> ⧗ Starting workspace",
        "done",
        "=== ✔ Starting workspace [0ms]",
        "Workspace dev started.",
        "",
      ].join("\n"),
    );
  });

  test("a build that fails ends with its error and status 1", async () => {
    const { status, stderr } = await runAgainst(
      {
        workspaceGetByName: () => workspace(),
        workspaceBuildCreate: () => build({ transition: "stop" }),
        workspaceBuildLogsFollow: () => [line(1, "Stopping workspace", "no such volume", "error")],
        workspaceBuildGet: () =>
          build({
            transition: "stop",
            job: job({ status: "failed", error: "terraform destroy: exit status 1" }),
          }),
      },
      ["stop", "dev", "--yes"],
    );
    expect(status).toBe(1);
    expect(stderr).toContain("=== ✘ Stopping workspace");
    expect(stderr).toContain("error: The stop of dev failed.\n  terraform destroy: exit status 1");
  });

  /** A deployment whose restart of a running workspace results in this `next_build`. */
  function restarting(next_build: WorkspaceBuild["next_build"], bodies: unknown[] = []): Handlers {
    const stop = build({ transition: "stop", job: job({ status: "succeeded" }) });
    const start = build({ id: next_build?.build_id ?? stop.id });
    let asked = 0;
    return {
      workspaceGetByName: () => workspace({ outdated: true }),
      templateVersionRichParameters: () => [parameter("size")],
      templateVersionExternalAuth: () => [],
      workspaceBuildParameters: () => [],
      workspaceBuildCreate: ({ body }) => {
        bodies.push(body);
        return { ...stop, next_build: { ...next_build!, status: "waiting", build_id: undefined } };
      },
      workspaceBuildLogsFollow: ({ params }) => [
        params.build === stop.id
          ? line(1, "Stopping workspace", "stop log")
          : line(1, "Starting workspace", "start log"),
      ],
      workspaceBuildGet: ({ params }) => {
        if (params.build !== stop.id) return start;
        const waits = { ...next_build!, status: "waiting" as const, build_id: undefined, error: undefined };
        return { ...stop, next_build: asked++ < 3 ? waits : next_build };
      },
    };
  }
  const nextBuild = { transition: "start" as const, template_version_name: "v2" };

  test.each(["restart", "update"])("%s sends one request and follows both builds", async (verb) => {
    const bodies: unknown[] = [];
    const ids = { build_id: randomUUID(), template_version_id: randomUUID() };
    const { status, stderr } = await runAgainst(
      restarting({ ...nextBuild, ...ids, status: "started" }, bodies),
      [verb, "dev", "--yes", "--parameter", "size=2"],
    );
    expect({ status, stderr }).toMatchObject({ status: 0 });
    expect(bodies).toMatchObject([
      { transition: "start", restart: true, rich_parameter_values: [{ name: "size", value: "2" }] },
    ]);
    expect(stderr).toMatch(/stop log.*start log.*Workspace dev (restarted|updated)\./s);
  });

  test("a restart whose start is dropped exits with the server's reason and status 1", async () => {
    const error = "The restart was canceled, so the workspace was not started.";
    const next = { ...nextBuild, template_version_id: randomUUID(), status: "dropped" as const, error };
    const { status, stderr } = await runAgainst(restarting(next), [
      "restart",
      "dev",
      "--yes",
      "--parameter",
      "size=2",
    ]);
    expect(status).toBe(1);
    expect(stderr).toContain(`error: ${error}`);
  });

  test("a conflict names the running build and how to follow it", async () => {
    const sentence = "A stop of this workspace has been running since noon.";
    const handlers: Handlers = {
      workspaceGetByName: () => workspace(),
      workspaceBuildCreate: () => {
        throw new FleetError("conflict", sentence);
      },
    };
    const { stderr } = await runAgainst(handlers, ["stop", "dev", "--yes"]);
    expect(stderr).toContain(`error: ${sentence} Follow it with: coder logs ana/dev --follow`);
  });

  test("start of a running workspace does not build", async () => {
    const { status, requests } = await runAgainst({ workspaceGetByName: () => workspace() }, [
      "start",
      "dev",
    ]);
    expect(status).toBe(0);
    expect(requests).toEqual(["GET /api/v2/users/me/workspace/dev"]);
  });

  test("delete --orphan says what stays behind, and is sent to the server", async () => {
    const bodies: unknown[] = [];
    const state = {
      version: 4,
      terraform_version: "1.14.0",
      serial: 1,
      lineage: "l",
      outputs: {},
      resources: [
        {
          mode: "managed",
          type: "terraform_data",
          name: "home",
          provider: 'provider["terraform.io/builtin/terraform"]',
          instances: [{ schema_version: 0, attributes: { id: "x" } }],
        },
      ],
    };
    const { stderr } = await runAgainst(
      {
        workspaceGetByName: () => workspace(),
        workspaceBuildState: () => Buffer.from(JSON.stringify(state)),
        workspaceBuildCreate: ({ body }) => {
          bodies.push(body);
          return build({ transition: "delete" });
        },
      },
      ["delete", "ana/dev", "--orphan", "--yes", "--no-wait"],
    );
    expect(stderr).toContain("terraform_data.home");
    expect(bodies).toEqual([{ transition: "delete", orphan: true, reason: "cli" }]);
  });
});

describe("create", () => {
  test("says that a required external auth provider is not configured", async () => {
    const source = workspace({ name: "source" });
    const provider = { type: "github", display_name: "github", display_icon: "", authenticated: false };
    const { status, stderr } = await runAgainst(
      {
        workspaceGetByName: ({ params }) => {
          if (params.workspaceName === "source") return source;
          throw new FleetError("not_found", "No such workspace.");
        },
        templateGet: () => template({ id: source.template_id }),
        templateVersionGet: () => version(),
        templateVersionExternalAuth: () => [
          { id: "optional", ...provider, authenticate_url: "", optional: true },
          { id: "github", ...provider, authenticate_url: "" },
        ],
      },
      ["create", "copy", "--copy-parameters-from", "source", "--yes"],
    );
    expect(status).toBe(1);
    expect(stderr).toContain('requires the external auth provider "github", which is not configured');
  });

  test("takes values from flags, file, then the copied workspace; rejects unknown parameters", async () => {
    const file = join(cli.folder, "values.yaml");
    await writeFile(file, "region: us\ntags: [a, b]\n");
    const bodies: { rich_parameter_values: unknown }[] = [];
    const source = workspace({ name: "source" });
    const handlers: Handlers = {
      workspaceGetByName: ({ params }) => {
        if (params.workspaceName === "source") return source;
        throw new FleetError("not_found", "No such workspace.");
      },
      templateGet: () => template({ id: source.template_id }),
      templateVersionGet: () => version(),
      templateVersionExternalAuth: () => [],
      templateVersionPresets: () => [],
      workspaceBuildParameters: () => [{ name: "size", value: "large" }],
      templateVersionRichParameters: () => [
        parameter("region"),
        parameter("size"),
        { ...parameter("tags"), type: "list(string)" },
        { ...parameter("shell"), required: false, default_value: "bash" },
      ],
      workspaceCreate: ({ body }) => {
        bodies.push(body as { rich_parameter_values: unknown });
        return workspace({ name: "copy" });
      },
    };
    const args = [
      "create",
      "copy",
      "--copy-parameters-from",
      "source",
      "--rich-parameter-file",
      file,
      "--yes",
      "--no-wait",
    ];
    const created = await runAgainst(handlers, [...args, "--parameter", "region=ap", "--stop-after", "8h"]);
    expect(created).toMatchObject({ status: 0 });
    expect(bodies).toMatchObject([
      {
        name: "copy",
        ttl_ms: 8 * 3_600_000,
        rich_parameter_values: [
          { name: "region", value: "ap" },
          { name: "size", value: "large" },
          { name: "tags", value: '["a","b"]' },
          { name: "shell", value: "bash" },
        ],
      },
    ]);
    const refused = await runAgainst(handlers, [...args, "--parameter", "colour=red"]);
    expect(refused.stderr).toContain(
      '"colour" is not a parameter of the template. Valid values: region, size, tags, shell.',
    );
  });
});

test("show lists resources and how to reach the agents", async () => {
  const { stdout } = await runAgainst({ workspaceGetByName: () => workspace() }, ["show", "dev"]);
  expect(stdout).toContain("docker_container.workspace");
  expect(stdout).toMatch(/main \(linux, amd64\) +connected, ready +coder ssh ana\/dev\.main/);
});

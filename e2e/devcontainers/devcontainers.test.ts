import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { waitFor } from "@fleet/testkit";
import { hasDocker, IMAGE, startDocker } from "../harness/docker.js";
import { type Fleet, startFleet } from "../harness/fleet.js";
import { reservedPort } from "../harness/port.js";
import { agentReady, succeed, workspaceOf } from "../harness/workspace.js";

const TEMPLATES = resolve(import.meta.dirname, "../../dist/templates");
const BIN = resolve(import.meta.dirname, "../node_modules/.bin");

const DEVCONTAINER = {
  name: "App",
  image: IMAGE,
  runArgs: ["--network=host"],
  postCreateCommand: "echo created by the dev container > /made",
  customizations: {
    coder: {
      displayApps: { vscode: false },
      apps: [{ slug: "docs", displayName: "Docs", url: "http://localhost:9123", share: "public" }],
    },
  },
};

/** Kills the agent from inside its container, which has no pkill. */
const KILL_AGENT =
  'for each in /proc/[0-9]*; do [ "$(readlink $each/exe)" != /.coder-agent/coder ] || kill -9 $(basename $each); done';

/** The template `local`, whose workspaces have two repositories with a dev container; it declares the first. */
function makeTemplate(dockerHost: string): string {
  const folder = mkdtempSync(join(tmpdir(), "e2e-devcontainers-"));
  cpSync(join(TEMPLATES, "local"), folder, { recursive: true });
  const main = join(folder, "main.tf");
  const json = Buffer.from(JSON.stringify(DEVCONTAINER)).toString("base64");
  writeFileSync(
    main,
    `${readFileSync(main, "utf8").replace(
      "  env = {",
      `  env = {\n    DOCKER_HOST = "${dockerHost}"\n    PATH = "${BIN}:$PATH"`,
    )}
resource "coder_devcontainer" "app" {
  agent_id         = coder_agent.main.id
  workspace_folder = "$HOME/app"
}

resource "coder_script" "projects" {
  agent_id     = coder_agent.main.id
  display_name = "Projects"
  run_on_start = true
  script       = <<-EOT
    for each in app found; do
      mkdir -p $HOME/$each/.git $HOME/$each/.devcontainer
      echo ${json} | base64 -d > $HOME/$each/.devcontainer/devcontainer.json
    done
  EOT
}
`,
  );
  return folder;
}

async function containersOf(fleet: Fleet, agent: string) {
  const { devcontainers } = await fleet.client.agentContainersGet({ params: { agent }, query: {} });
  return new Map(devcontainers.map((one) => [one.workspace_folder.split("/").at(-1)!, one]));
}

/** Waits until the dev container runs and its agent is connected. Returns the agent's name. */
async function running(fleet: Fleet, agent: string, folder: string): Promise<string> {
  return waitFor(
    async () => {
      const one = (await containersOf(fleet, agent)).get(folder);
      if (one?.status !== "running" || !one.agent)
        throw new Error(`${folder} is ${one?.status}: ${one?.error}`);
      const inside = await fleet.client.agentGet({ params: { agent: one.agent.id } });
      if (inside.status !== "connected" || inside.lifecycle_state !== "ready")
        throw new Error(`the agent in ${folder} is ${inside.status}, ${inside.lifecycle_state}`);
      return one.agent.name;
    },
    { what: `the dev container ${folder}`, timeoutMs: 120_000 },
  );
}

const scenario = hasDocker() ? test : test.skip;

scenario(
  "a developer works in the dev containers that the template declares and in those of her repositories",
  async () => {
    await using docker = await startDocker();
    await using fleet = await startFleet();
    const template = makeTemplate(docker.host);
    const ssh = async (agent: string, command: string) =>
      (await succeed(fleet, ["ssh", `dev.${agent}`, "--", command])).trim();
    await succeed(fleet, [
      ...["templates", "push", "dev", "--directory", template, "--yes"],
      ...["--variable", `data_dir=${join(fleet.configDir, "../workspaces")}`, "--variable", "sandbox=never"],
    ]);
    rmSync(template, { recursive: true });
    await succeed(fleet, [
      ...["create", "dev", "--template", "dev", "--yes", "--parameter-default", "greeting=Hello"],
      ...["--parameter", `port=${await reservedPort()}`],
    ]);
    const { id: agent } = await agentReady(fleet, "dev");

    // Declared: started with the workspace, and reached by its agent's name.
    const app = await running(fleet, agent, "app");
    expect(app).toBe("app");
    expect(await ssh("app", "cat /made; pwd; echo $CODER_WORKSPACE_AGENT_NAME")).toBe(
      "created by the dev container\n/workspaces/app\napp",
    );
    const logs = (await succeed(fleet, ["logs", "dev"])).toString();
    expect(logs).toContain("The dev container is running");

    // Found: listed, and started when the developer asks for it.
    const found = await waitFor(async () => (await containersOf(fleet, agent)).get("found"), {
      what: "the discovered dev container",
      timeoutMs: 60_000,
    });
    expect(found).toMatchObject({ status: "stopped", name: "found" });
    const recreate = (devcontainer: string) =>
      fleet.client.agentDevcontainerRecreate({ params: { agent, devcontainer } });
    await recreate(found.id);
    expect(await running(fleet, agent, "found")).toBe("found");
    const { latest_build } = await workspaceOf(fleet, "dev");
    const agents = latest_build.resources.flatMap((resource) => resource.agents ?? []);
    const inside = agents.find(({ name }) => name === "found")!;
    expect(inside).toMatchObject({
      parent_id: agent,
      directory: "/workspaces/found",
      apps: [expect.objectContaining({ slug: "docs", sharing_level: "public" })],
    });
    expect(inside.display_apps).not.toContain("vscode");

    // Anew: what was only in the container is gone; the agent is the same.
    await ssh("found", "touch /only-here");
    const { container: old } = (await containersOf(fleet, agent)).get("found")!;
    await recreate(found.id);
    await waitFor(
      async () => {
        const { container } = (await containersOf(fleet, agent)).get("found")!;
        return container && container.id !== old!.id;
      },
      { what: "the new container", timeoutMs: 60_000 },
    );
    await running(fleet, agent, "found");
    expect(await ssh("found", "ls /only-here 2>/dev/null || echo gone")).toBe("gone");

    // A dead agent in a container comes back.
    const { container } = (await containersOf(fleet, agent)).get("app")!;
    docker.run("exec", container!.id, "sh", "-c", KILL_AGENT);
    await waitFor(async () => (await ssh("app", "echo back").catch(() => "")) === "back", {
      what: "the killed agent to be back",
      timeoutMs: 60_000,
    });

    await fleet.client.agentDevcontainerDelete({ params: { agent, devcontainer: found.id } });
    await waitFor(
      async () => {
        const one = (await containersOf(fleet, agent)).get("found")!;
        return one.status === "stopped" && !one.container && !one.agent;
      },
      { what: "the container to be removed", timeoutMs: 60_000 },
    );
    expect(docker.run("ps", "--quiet").split("\n")).toHaveLength(1);
  },
  600_000,
);

import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import type { Fleet } from "./fleet.js";
import { reservedPort } from "./port.js";

const TEMPLATE = resolve(import.meta.dirname, "../../dist/templates/local");

/** Pushes the starter template `local` under this name, with homes in the fleet's folder. */
export async function pushLocalTemplate(fleet: Fleet, name = "local"): Promise<void> {
  const variable = `data_dir=${join(fleet.configDir, "../workspaces")}`;
  await succeed(fleet, ["templates", "push", name, "--directory", TEMPLATE, "--variable", variable, "--yes"]);
}

/** Creates a workspace from it and waits for its agent. Its sample app gets its own port. */
export async function createLocalWorkspace(fleet: Fleet, name: string): Promise<WorkspaceAgent> {
  const port = await reservedPort();
  await succeed(fleet, [
    "create",
    name,
    "--template",
    "local",
    "--parameter",
    `port=${port}`,
    "--parameter-default",
    "greeting=Hello",
    "--yes",
  ]);
  return agentReady(fleet, name);
}

export async function workspaceOf(fleet: Fleet, name: string): Promise<Workspace> {
  return fleet.client.workspaceGetByName({ params: { user: "me", workspaceName: name } });
}

export async function agentReady(fleet: Fleet, name: string): Promise<WorkspaceAgent> {
  return waitFor(
    async () => {
      const { latest_build } = await workspaceOf(fleet, name);
      const agents = latest_build.resources.flatMap((resource) => resource.agents ?? []);
      const agent = agents.find(({ parent_id }) => !parent_id);
      if (agent?.status !== "connected" || agent.lifecycle_state !== "ready") {
        throw new Error(
          `the agent is ${agent?.status}, ${agent?.lifecycle_state}; the build ${latest_build.status}`,
        );
      }
      return agent;
    },
    { what: `the agent of ${name}`, timeoutMs: 60_000 },
  );
}

/** Runs the command, and fails with its output if it does not succeed. */
export async function succeed(fleet: Fleet, args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await fleet.coder(args, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`coder ${args.join(" ")} ended with ${code}:\n${stderr}\n${stdout}`);
  return stdout;
}

/** Processes with this entry in their environment. */
export function pidsWith(entry: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(entry);
      } catch {
        return false;
      }
    })
    .map(Number);
}

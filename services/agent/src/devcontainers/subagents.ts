import { arch } from "node:os";
import type { AgentClient } from "@fleet/agentsdk";
import type { Customization } from "./cli.js";

/** The agents in dev containers, as coderd keeps them. */
export type SubAgents = {
  /** A new token for the agent that the template declares, or for one of that name. */
  create(
    agent: { directory: string } & ({ id: string } | { customization: Customization }),
    signal: AbortSignal,
  ): Promise<{ id: string; name: string; token: string }>;
  delete(id: string, signal: AbortSignal): Promise<void>;
};

/** As terraform names architectures, by Node's name. */
const ARCHITECTURES: Record<string, string> = { x64: "amd64", arm64: "arm64", arm: "armv7" };
/** Shown unless a devcontainer.json says otherwise, as for an agent of a template. */
const DISPLAY_APPS = {
  vscode: true,
  vscode_insiders: false,
  web_terminal: true,
  ssh_helper: true,
  port_forwarding_helper: true,
};

export function createSubAgents(
  call: <T>(make: (client: AgentClient) => Promise<T>, signal: AbortSignal) => Promise<T>,
): SubAgents {
  return {
    create(agent, signal) {
      const request = "id" in agent ? agent : toRequest(agent.customization, agent.directory);
      return call((client) => client.createSubAgent(request), signal);
    },
    async delete(id, signal) {
      await call((client) => client.deleteSubAgent({ id }), signal);
    },
  };
}

function toRequest({ name, displayApps, apps }: Customization, directory: string) {
  const shown = Object.entries({ ...DISPLAY_APPS, ...displayApps });
  return {
    name,
    directory,
    operatingSystem: "linux",
    architecture: ARCHITECTURES[arch()] ?? arch(),
    displayApps: shown.filter(([, isShown]) => isShown).map(([app]) => app),
    apps: apps.map(({ slug = "", order, ...app }) => ({
      ...app,
      slug,
      order: Number.isInteger(order) ? order! : 0,
    })),
  };
}

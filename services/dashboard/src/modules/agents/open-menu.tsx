import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ChevronDown, SquareTerminal } from "lucide-react";
import type { ReactNode } from "react";
import { applicationsHostQuery } from "../../api/agents.js";
import { terminalPath } from "../../paths.js";
import { Icon } from "../icons/icon.js";
import { Button } from "../ui/button.js";
import { Menu, MenuItem } from "../ui/menu.js";
import { appAddress } from "./app-address.js";
import { shownApps } from "./apps.js";
import { agentState } from "./state.js";

/** Menu of a running workspace's apps; nothing until an agent is connected. */
export function OpenMenu({ workspace }: { workspace: Workspace }) {
  const host = useQuery(applicationsHostQuery).data ?? "";
  const agents = workspace.latest_build.resources
    .flatMap((resource) => resource.agents ?? [])
    .filter((agent) => agentState(agent).usable);
  const items = agents.flatMap((agent) => itemsOf(workspace, agent, host, agents.length > 1));
  if (items.length === 0) return null;
  return (
    <Menu
      label={`Open ${workspace.name}`}
      trigger={
        <Button size="sm" aria-label={`Open ${workspace.name}`}>
          Open
          <ChevronDown aria-hidden />
        </Button>
      }
    >
      {items}
    </Menu>
  );
}

function itemsOf(
  workspace: Workspace,
  agent: WorkspaceAgent,
  wildcardHost: string,
  named: boolean,
): ReactNode[] {
  const suffix = named ? ` (${agent.name})` : "";
  const terminal = (agent.display_apps ?? []).includes("web_terminal") && (
    <MenuItem
      key={`${agent.id} terminal`}
      icon={<SquareTerminal aria-hidden />}
      href={terminalPath(workspace, agent.name)}
    >
      Terminal{suffix}
    </MenuItem>
  );
  const apps = shownApps(agent).map((app) => {
    const address = appAddress({ app, agent, workspace, wildcardHost, protocol: location.protocol });
    if (address.kind !== "link") return null;
    const name = app.display_name || app.slug;
    return (
      <MenuItem
        key={app.id}
        icon={<Icon url={app.icon} hints={[app.slug, name]} size={16} />}
        href={address.href}
      >
        {name}
        {suffix}
      </MenuItem>
    );
  });
  return [terminal, ...apps].filter(Boolean);
}

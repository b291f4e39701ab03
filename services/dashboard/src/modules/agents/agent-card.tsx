import type { Workspace, WorkspaceAgent, WorkspaceResource } from "@fleet/sdk";
import { ChevronDown, Laptop } from "lucide-react";
import { useState } from "react";
import { IconTile } from "../icons/icon.js";
import { safeHref } from "../markdown/safe-href.js";
import { Button, IconButton } from "../ui/button.js";
import { Notice } from "../ui/notice.js";
import { Card } from "../ui/page.js";
import { Pill } from "../ui/pill.js";
import { AgentLogPanel } from "./agent-log.js";
import { AppButtons } from "./app-buttons.js";
import { ConnectDialog } from "./connect-dialog.js";
import { FailedScripts } from "./failed-scripts.js";
import { AgentMetadataGrid } from "./metadata.js";
import { PortsButton } from "./ports.js";
import { StartCommand } from "./start-command.js";
import { agentState } from "./state.js";

type AgentCardProps = {
  workspace: Workspace;
  resource: WorkspaceResource;
  agent: WorkspaceAgent;
  /** One of several agents: only those in trouble are unfolded at first. */
  foldable: boolean;
};

/** An agent: its state, its apps, its metadata and its script logs. */
export function AgentCard({ workspace, resource, agent, foldable }: AgentCardProps) {
  const state = agentState(agent);
  // Show each problem once: in its notice, or otherwise in the pill.
  const alarming = state.explanation !== undefined && (state.tone === "bad" || state.tone === "warn");
  const [connecting, setConnecting] = useState(false);
  const [choice, setChoice] = useState<boolean>();
  const open = choice ?? (!foldable || alarming);
  const troubleshooting = agent.troubleshooting_url ? safeHref(agent.troubleshooting_url) : undefined;
  const latency = Object.values(agent.latency ?? {}).find(({ preferred }) => preferred)?.latency_ms;
  const facts = [
    `${resource.type}.${resource.name}`,
    agent.operating_system && `${agent.operating_system}/${agent.architecture}`,
    agent.version && `agent ${agent.version}`,
    latency !== undefined && `${Math.round(latency)} ms`,
  ].filter(Boolean);
  const showsSsh = (agent.display_apps ?? []).includes("ssh_helper");
  const showsPorts = state.usable && (agent.display_apps ?? []).includes("port_forwarding_helper");

  return (
    <Card>
      <div className="flex flex-col gap-4 px-4 py-4 sm:px-5">
        <header className="flex flex-wrap items-center gap-x-3 gap-y-2">
          {foldable && (
            <IconButton
              size="sm"
              label={open ? `Hide ${agent.name}` : `Show ${agent.name}`}
              aria-expanded={open}
              onClick={() => setChoice(!open)}
            >
              <ChevronDown className={open ? "" : "-rotate-90"} aria-hidden />
            </IconButton>
          )}
          <IconTile url={resource.icon} hints={[resource.type, agent.operating_system]} />
          <div className="min-w-0 flex-1 basis-40">
            <div className="flex flex-wrap items-center gap-2">
              <h2 className="truncate text-base">{agent.name}</h2>
              {!alarming && <Pill tone={state.tone}>{state.label}</Pill>}
            </div>
            <p className="truncate text-muted text-sm">{facts.join(" · ")}</p>
          </div>
          <div className="flex items-center gap-1">
            {showsPorts && <PortsButton workspace={workspace} agent={agent} />}
            {showsSsh && (
              <Button
                look="ghost"
                size="sm"
                icon={<Laptop aria-hidden />}
                onClick={() => setConnecting(true)}
              >
                Connect via SSH
              </Button>
            )}
          </div>
        </header>
        {state.explanation &&
          (alarming ? (
            <Notice tone={state.tone === "bad" ? "bad" : "warn"} title={state.label}>
              {agent.lifecycle_state === "start_error" && agent.status === "connected" ? (
                <FailedScripts build={workspace.latest_build.id} agent={agent} fallback={state.explanation} />
              ) : (
                state.explanation
              )}
              {troubleshooting && (
                <>
                  {" "}
                  <a href={troubleshooting} target="_blank" rel="noreferrer" className="underline">
                    Troubleshooting guide
                  </a>
                </>
              )}
            </Notice>
          ) : (
            <p className="text-muted text-sm">{state.explanation}</p>
          ))}
        {resource.type === "coder_external_agent" && agent.status !== "connected" && (
          <StartCommand workspace={workspace} agent={agent} />
        )}
        {open && (
          <>
            <AppButtons workspace={workspace} agent={agent} usable={state.usable} />
            <AgentMetadataGrid agent={agent.id} connected={agent.status === "connected"} />
          </>
        )}
      </div>
      {open && (
        <AgentLogPanel
          build={workspace.latest_build.id}
          agent={agent}
          interesting={["starting", "start_error", "start_timeout"].includes(agent.lifecycle_state)}
        />
      )}
      <ConnectDialog
        workspace={workspace}
        agent={agent}
        open={connecting}
        onClose={() => setConnecting(false)}
      />
    </Card>
  );
}

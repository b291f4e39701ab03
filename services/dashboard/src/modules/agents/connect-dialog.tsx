import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { sshConfigQuery } from "../../api/agents.js";
import { useUser } from "../session/session.js";
import { CopyLine } from "../ui/copy.js";
import { Dialog } from "../ui/dialog.js";

type ConnectProps = { workspace: Workspace; agent: WorkspaceAgent; open: boolean; onClose(): void };

/** How to reach the workspace from the user's own machine. */
export function ConnectDialog({ workspace, agent, open, onClose }: ConnectProps) {
  const user = useUser();
  const config = useQuery(sshConfigQuery).data;
  const own = workspace.owner_id === user.id;
  const target = own
    ? `${workspace.name}.${agent.name}`
    : `${workspace.owner_name}/${workspace.name}.${agent.name}`;
  const host = config?.hostname_suffix
    ? `${agent.name}.${workspace.name}.${workspace.owner_name}.${config.hostname_suffix}`
    : `${config?.hostname_prefix ?? "coder."}${workspace.name}`;
  return (
    <Dialog
      open={open}
      onClose={onClose}
      wide
      title="Connect via SSH"
      description="Use SSH, your editor or the CLI. Connections resume automatically after sleep or a network change."
    >
      <ol className="flex flex-col gap-5">
        <Step number={1} title="Install the CLI and sign in">
          <p>
            Download it for{" "}
            <Download os="linux" arch="amd64">
              Linux
            </Download>
            ,{" "}
            <Download os="linux" arch="arm64">
              Linux on ARM
            </Download>
            ,{" "}
            <Download os="darwin" arch="arm64">
              macOS
            </Download>{" "}
            or{" "}
            <Download os="windows" arch="amd64">
              Windows
            </Download>
            , save it in your PATH as <code className="font-mono">coder</code>, then run:
          </p>
          <CopyLine text={`coder login ${location.origin}`} />
        </Step>
        <Step number={2} title="Open a shell">
          <CopyLine text={`coder ssh ${target}`} />
        </Step>
        <Step number={3} title="Or configure ssh, scp and your editor">
          <p>Run this once for all workspaces:</p>
          <CopyLine text="coder config-ssh" />
          <p>Then connect with ssh, or with “Remote-SSH: Connect to Host” in VS Code:</p>
          <CopyLine text={`ssh ${host}`} />
        </Step>
        <Step number={4} title="Forward a port to your machine">
          <CopyLine text={`coder port-forward ${target} --tcp 8080`} />
        </Step>
      </ol>
    </Dialog>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <li className="flex gap-3">
      <span
        aria-hidden
        className="mt-0.5 flex size-5 shrink-0 items-center justify-center rounded-full bg-accent-soft font-semibold text-accent text-xs"
      >
        {number}
      </span>
      <div className="flex min-w-0 flex-1 flex-col gap-2 text-muted">
        <h3 className="font-medium text-ink">{title}</h3>
        {children}
      </div>
    </li>
  );
}

function Download({ os, arch, children }: { os: string; arch: string; children: ReactNode }) {
  return (
    <a
      href={`/bin/coder-${os}-${arch}${os === "windows" ? ".exe" : ""}`}
      download
      className="rounded text-accent underline decoration-accent/40 underline-offset-2 hover:decoration-accent"
    >
      {children}
    </a>
  );
}

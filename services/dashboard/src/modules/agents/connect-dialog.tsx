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
      title="Connect from your machine"
      description="By SSH, from any editor, or with the command line. The connection comes back by itself after sleep or a changed network."
    >
      <ol className="flex flex-col gap-5">
        <Step number={1} title="Get the command line and sign in">
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
            , put it in your PATH as <code className="font-mono">coder</code>, then:
          </p>
          <CopyLine text={`coder login ${location.origin}`} />
        </Step>
        <Step number={2} title="Open a shell">
          <CopyLine text={`coder ssh ${target}`} />
        </Step>
        <Step number={3} title="Or let ssh, scp and your editor know the workspace">
          <p>Once for all your workspaces:</p>
          <CopyLine text="coder config-ssh" />
          <p>Then use it as any host, in VS Code's “Remote-SSH: Connect to Host” too:</p>
          <CopyLine text={`ssh ${host}`} />
        </Step>
        <Step number={4} title="Bring a port to your machine">
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

import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Cable, ExternalLink } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { applicationsHostQuery, listeningPortsQuery } from "../../api/agents.js";
import { isFleetError } from "../../api/errors.js";
import { Button } from "../ui/button.js";
import { CopyLine } from "../ui/copy.js";
import { ErrorNotice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { portAddress } from "./app-address.js";

type PortsProps = { workspace: Workspace; agent: WorkspaceAgent };

/** What listens in the workspace, and the address of each. */
export function PortsButton({ workspace, agent }: PortsProps) {
  const [open, setOpen] = useState(false);
  return (
    <Popover.Root open={open} onOpenChange={setOpen}>
      <Popover.Trigger asChild>
        <Button look="ghost" size="sm" icon={<Cable aria-hidden />}>
          Ports
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="end"
          sideOffset={4}
          collisionPadding={8}
          className="z-40 flex w-80 animate-appear flex-col gap-2 rounded-lg border border-line bg-raised p-3 shadow-float outline-none"
        >
          <PortList workspace={workspace} agent={agent} />
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function PortList({ workspace, agent }: PortsProps) {
  const ports = useQuery(listeningPortsQuery(agent.id));
  const wildcardHost = useQuery(applicationsHostQuery).data ?? "";
  if (isFleetError(ports.error, "not_found", "unimplemented")) {
    return (
      <div className="flex flex-col gap-2 text-muted text-sm">
        <p>The ports cannot be listed here. If you know which one you want, bring it to your machine:</p>
        <CopyLine text={`coder port-forward ${workspace.name} --tcp 8080`} />
      </div>
    );
  }
  if (ports.isError) return <ErrorNotice error={ports.error} onRetry={() => void ports.refetch()} />;
  if (ports.isPending) return <Skeleton className="h-8 w-full" />;
  if (ports.data.length === 0)
    return <p className="text-muted">Nothing listens on a port in the workspace.</p>;
  return (
    <>
      <ul className="flex max-h-64 flex-col overflow-y-auto">
        {ports.data.map(({ port, process_name }) => {
          const href = portAddress({ agent, workspace, wildcardHost, protocol: location.protocol, port });
          return (
            <li key={port} className="flex items-center gap-3 py-1">
              <span className="w-12 font-mono tabular-nums">{port}</span>
              <span className="min-w-0 flex-1 truncate text-muted text-sm">{process_name}</span>
              {href && (
                <a
                  href={href}
                  target="_blank"
                  rel="noreferrer"
                  className="flex items-center gap-1 rounded text-accent text-sm hover:underline"
                >
                  Open <ExternalLink className="size-3.5" aria-hidden />
                </a>
              )}
            </li>
          );
        })}
      </ul>
      {!wildcardHost && (
        <div className="flex flex-col gap-2 border-line border-t pt-2 text-muted text-sm">
          <p>This deployment has no wildcard address for ports. Bring one to your machine instead:</p>
          <CopyLine text={`coder port-forward ${workspace.name} --tcp ${ports.data[0]!.port}`} />
        </div>
      )}
    </>
  );
}

import type { Workspace, WorkspaceAgent } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Cable, ExternalLink } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { applicationsHostQuery, listeningPortsQuery } from "../../api/agents.js";
import { isFleetError } from "../../api/errors.js";
import { Button } from "../ui/button.js";
import { CopyLine } from "../ui/copy.js";
import { Field, Input } from "../ui/field.js";
import { Form, SubmitButton, useForm } from "../ui/form.js";
import { Loaded } from "../ui/loaded.js";
import { Skeleton } from "../ui/page.js";
import { portAddress } from "./app-address.js";

type PortsProps = { workspace: Workspace; agent: WorkspaceAgent };

/** Listening ports of the workspace, with their URLs. */
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
          aria-label={`Ports of ${agent.name}`}
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
  const addressOf = (port: number) =>
    portAddress({ agent, workspace, wildcardHost, protocol: location.protocol, port });
  const unlisted = isFleetError(ports.error, "not_found", "unimplemented");
  return (
    <>
      <h2 className="font-medium text-sm">Listening ports</h2>
      {unlisted ? (
        <p className="text-muted text-sm">Ports cannot be listed for this workspace.</p>
      ) : (
        <Loaded query={ports} skeleton={<Skeleton className="h-8 w-full" />}>
          {(list) =>
            list.length === 0 ? (
              <p className="text-muted text-sm">
                No listening ports detected. The list updates within a minute.
              </p>
            ) : (
              <ul className="flex max-h-64 flex-col overflow-y-auto">
                {list.map(({ port, process_name }) => (
                  <PortRow key={port} port={port} process={process_name} href={addressOf(port)} />
                ))}
              </ul>
            )
          }
        </Loaded>
      )}
      <div className="flex flex-col gap-2 border-line border-t pt-2">
        {wildcardHost ? (
          <OpenPort addressOf={addressOf} />
        ) : (
          <>
            <p className="text-muted text-sm">
              Opening ports in the browser requires a wildcard access URL, which this deployment does not
              have. Forward a port to your machine instead:
            </p>
            <CopyLine text={`coder port-forward ${workspace.name} --tcp ${ports.data?.[0]?.port ?? 8080}`} />
          </>
        )}
      </div>
    </>
  );
}

function PortRow({ port, process, href }: { port: number; process: string; href: string | undefined }) {
  return (
    <li className="flex items-center gap-3 py-1">
      <span className="w-12 font-mono tabular-nums">{port}</span>
      <span className="min-w-0 flex-1 truncate text-muted text-sm">{process}</span>
      {href && (
        <a
          href={href}
          target="_blank"
          rel="noreferrer"
          aria-label={`Open port ${port}`}
          className="flex items-center gap-1 rounded text-accent text-sm hover:underline"
        >
          Open <ExternalLink className="size-3.5" aria-hidden />
        </a>
      )}
    </li>
  );
}

const HIGHEST_PORT = 65_535;

/** Opens any port, because the list may be incomplete. */
function OpenPort({ addressOf }: { addressOf(port: number): string | undefined }) {
  const form = useForm({
    async submit(values) {
      window.open(addressOf(Number(values("port"))), "_blank", "noopener,noreferrer");
    },
  });
  return (
    <Form form={form} className="flex items-end gap-2">
      <div className="flex-1">
        <Field name="port" label="Port">
          <Input type="number" required min={1} max={HIGHEST_PORT} step={1} placeholder="8080" />
        </Field>
      </div>
      <SubmitButton form={form} look="secondary">
        Open
      </SubmitButton>
    </Form>
  );
}

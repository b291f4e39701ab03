import type { Workspace, WorkspaceAgent, WorkspaceApp } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import clsx from "clsx";
import { Code, Globe, LoaderCircle, SquareTerminal, TriangleAlert, Users } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "react-router";
import { applicationsHostQuery } from "../../api/agents.js";
import { client } from "../../api/client.js";
import { terminalPath } from "../../paths.js";
import { Icon } from "../icons/icon.js";
import { Button } from "../ui/button.js";
import { Tip } from "../ui/tip.js";
import { useAct } from "../ui/toast.js";
import { appAddress, editorAddress } from "./app-address.js";
import { shownApps } from "./apps.js";

type AgentOf = { workspace: Workspace; agent: WorkspaceAgent };

/** Buttons of an agent: editors and terminal, then the template's apps. */
export function AppButtons({ workspace, agent, usable }: AgentOf & { usable: boolean }) {
  const host = useQuery(applicationsHostQuery).data ?? "";
  const shows = (name: string) => (agent.display_apps ?? []).includes(name);
  const apps = shownApps(agent);
  return (
    <div className="flex flex-wrap gap-2">
      {shows("vscode") && (
        <EditorButton workspace={workspace} agent={agent} scheme="vscode" disabled={!usable} />
      )}
      {shows("vscode_insiders") && (
        <EditorButton workspace={workspace} agent={agent} scheme="vscode-insiders" disabled={!usable} />
      )}
      {shows("web_terminal") &&
        (usable ? (
          <Button asChild>
            <Link to={terminalPath(workspace, agent.name)} target="_blank">
              <SquareTerminal aria-hidden />
              Terminal
            </Link>
          </Button>
        ) : (
          <Button disabled icon={<SquareTerminal aria-hidden />}>
            Terminal
          </Button>
        ))}
      {apps.map((app) => (
        <AppButton
          key={app.id}
          workspace={workspace}
          agent={agent}
          app={app}
          wildcardHost={host}
          usable={usable}
        />
      ))}
    </div>
  );
}

/** Creates the editor's API key on click. */
function useOpenWithToken(): (href: (token: string) => string) => void {
  const act = useAct();
  return (href) =>
    act(async () => {
      const { key } = await client.keyCreate({ params: { user: "me" } });
      location.assign(href(key));
    });
}

function EditorButton(props: AgentOf & { scheme: "vscode" | "vscode-insiders"; disabled: boolean }) {
  const { workspace, agent, scheme, disabled } = props;
  const open = useOpenWithToken();
  return (
    <Button
      disabled={disabled}
      icon={<Code aria-hidden />}
      onClick={() =>
        open((token) => editorAddress(scheme, { workspace, agent, origin: location.origin, token }))
      }
    >
      {scheme === "vscode" ? "VS Code Desktop" : "VS Code Insiders"}
    </Button>
  );
}

function AppButton(props: AgentOf & { app: WorkspaceApp; wildcardHost: string; usable: boolean }) {
  const { workspace, agent, app, wildcardHost, usable } = props;
  const open = useOpenWithToken();
  const address = appAddress({ app, agent, workspace, wildcardHost, protocol: location.protocol });
  const content = (
    <>
      <Icon url={app.icon} hints={[app.slug, app.display_name ?? ""]} size={16} />
      {app.display_name || app.slug}
      <AppHealthMark app={app} />
      {app.sharing_level !== "owner" && (
        <Users className="size-3.5! text-faint" aria-label={`Shared: ${app.sharing_level}`} />
      )}
    </>
  );
  const explanation = address.kind === "none" ? address.reason : app.tooltip || healthText(app);
  // External apps work whatever the agent's state.
  const blocked = !usable && !app.external;

  let button: ReactNode;
  if (address.kind === "none" || blocked) {
    button = (
      <Button
        disabled
        aria-label={`${app.display_name || app.slug}: ${explanation ?? "the agent is not connected"}`}
      >
        {content}
      </Button>
    );
  } else if (address.kind === "needs-token") {
    button = <Button onClick={() => open(address.href)}>{content}</Button>;
  } else if (address.here) {
    button = (
      <Button asChild>
        <Link to={address.href} target="_blank">
          {content}
        </Link>
      </Button>
    );
  } else {
    button = (
      <Button asChild>
        <a
          href={address.href}
          target="_blank"
          rel="noreferrer"
          onClick={(event) => {
            if (app.open_in !== "slim-window" || app.external || event.metaKey || event.ctrlKey) return;
            event.preventDefault();
            window.open(address.href, "_blank", "width=1200,height=800,noopener");
          }}
        >
          {content}
        </a>
      </Button>
    );
  }
  if (!explanation) return button;
  return (
    <Tip text={explanation}>
      {/* Disabled buttons get no pointer events: the wrapper shows the reason. */}
      <span className="inline-flex">{button}</span>
    </Tip>
  );
}

function healthText(app: WorkspaceApp): string | undefined {
  if (app.health === "initializing") return "Starting: the health check has not passed yet.";
  if (app.health === "unhealthy")
    return `The health check${app.healthcheck?.url ? ` at ${app.healthcheck.url}` : ""} is failing.`;
  return undefined;
}

function AppHealthMark({ app }: { app: WorkspaceApp }) {
  if (app.health === "initializing")
    return <LoaderCircle className="size-3.5! animate-spin text-busy" aria-label="Starting" />;
  if (app.health === "unhealthy")
    return <TriangleAlert className="size-3.5! text-warn" aria-label="Unhealthy" />;
  if (app.health === "healthy")
    return <span role="img" aria-label="Healthy" className={clsx("size-1.5 rounded-full bg-ok")} />;
  return app.external ? <Globe className="size-3.5! text-faint" aria-label="Outside the workspace" /> : null;
}

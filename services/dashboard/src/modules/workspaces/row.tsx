import type { Workspace } from "@fleet/sdk";
import clsx from "clsx";
import { ArrowUpCircle, Ellipsis, Play, RotateCw, Square, Star, Trash2, X } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { isActive } from "../../api/workspaces.js";
import { workspacePath } from "../../paths.js";
import { OpenMenu } from "../agents/open-menu.js";
import { Ago } from "../format/time.js";
import { IconTile } from "../icons/icon.js";
import { useUser } from "../session/session.js";
import { Button, IconButton } from "../ui/button.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { Tip } from "../ui/tip.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { ConfirmRestart, ConfirmStop } from "./confirm-actions.js";
import { DeleteWorkspace } from "./delete-workspace.js";
import { WorkspaceStatusPill } from "./status.js";

/** A row of the workspace list: name, status and the most useful action. */
export function WorkspaceRow({ workspace }: { workspace: Workspace }) {
  const user = useUser();
  const path = workspacePath(workspace);
  return (
    <li className="group relative flex items-center gap-3 px-4 py-3 transition-colors hover:bg-hover/50 sm:px-5">
      <IconTile url={workspace.template_icon} hints={[workspace.template_name]} />
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-1.5">
          <Link to={path} className="truncate rounded font-medium after:absolute after:inset-0">
            {workspace.owner_id !== user.id && (
              <span className="font-normal text-muted">{workspace.owner_name} / </span>
            )}
            {workspace.name}
          </Link>
          {workspace.outdated && (
            <Tip text="Update available">
              <ArrowUpCircle className="relative size-4 shrink-0 text-accent" aria-label="Update available" />
            </Tip>
          )}
        </div>
        <p className="truncate text-muted text-sm">
          {workspace.template_display_name || workspace.template_name}
          <span className="hidden sm:inline">
            {" · "}used <Ago time={workspace.last_used_at} />
          </span>
        </p>
      </div>
      <WorkspaceStatusPill workspace={workspace} />
      <div className="relative flex items-center gap-0.5">
        <RowActions workspace={workspace} />
      </div>
    </li>
  );
}

type Asked = "stop" | "restart" | "delete";

function RowActions({ workspace }: { workspace: Workspace }) {
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  const user = useUser();
  const [asked, setAsked] = useState<Asked>();
  const [starting, setStarting] = useState(false);
  const build = workspace.latest_build;
  const active = isActive(build);
  const running = build.status === "running";
  const isOwner = workspace.owner_id === user.id;
  const close = () => setAsked(undefined);
  const start = () => {
    setStarting(true);
    act(() => actions.build({ transition: "start" }).finally(() => setStarting(false)));
  };

  return (
    <>
      {isOwner && (
        <IconButton
          label={workspace.favorite ? "Remove from favorites" : "Add to favorites"}
          className={clsx(
            "max-sm:hidden",
            !workspace.favorite && "opacity-0 focus-visible:opacity-100 group-hover:opacity-100",
          )}
          onClick={() => act(() => actions.favorite(!workspace.favorite))}
        >
          <Star className={clsx(workspace.favorite && "fill-warn text-warn")} aria-hidden />
        </IconButton>
      )}
      <span className="flex justify-end sm:w-22">
        {running && <OpenMenu workspace={workspace} />}
        {["stopped", "failed", "canceled"].includes(build.status) && (
          <Button size="sm" icon={<Play aria-hidden />} pending={starting} onClick={start}>
            {build.status === "stopped" ? "Start" : "Retry"}
          </Button>
        )}
      </span>
      <Menu
        label={`Actions for ${workspace.name}`}
        trigger={
          <IconButton label={`More actions for ${workspace.name}`}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        {!running && (
          <MenuItem icon={<Play aria-hidden />} disabled={active} onSelect={start}>
            Start
          </MenuItem>
        )}
        {running && (
          <MenuItem icon={<RotateCw aria-hidden />} onSelect={() => setAsked("restart")}>
            Restart…
          </MenuItem>
        )}
        <MenuItem
          icon={<Square aria-hidden />}
          disabled={active || build.status === "stopped"}
          onSelect={() => setAsked("stop")}
        >
          Stop…
        </MenuItem>
        {active && (
          <MenuItem icon={<X aria-hidden />} onSelect={() => act(actions.cancel, "Canceling the build.")}>
            Cancel build
          </MenuItem>
        )}
        {isOwner && (
          <MenuItem
            icon={<Star aria-hidden />}
            onSelect={() => act(() => actions.favorite(!workspace.favorite))}
          >
            {workspace.favorite ? "Remove from favorites" : "Add to favorites"}
          </MenuItem>
        )}
        <MenuLine />
        <MenuItem icon={<Trash2 aria-hidden />} danger disabled={active} onSelect={() => setAsked("delete")}>
          Delete…
        </MenuItem>
      </Menu>
      <ConfirmStop workspace={workspace} open={asked === "stop"} onClose={close} />
      <ConfirmRestart workspace={workspace} open={asked === "restart"} onClose={close} />
      <DeleteWorkspace workspace={workspace} open={asked === "delete"} onClose={close} />
    </>
  );
}

import type { Workspace } from "@fleet/sdk";
import { Ellipsis, Play, RotateCw, Square, Star, Trash2, X } from "lucide-react";
import { useState } from "react";
import { isActive } from "../../api/workspaces.js";
import { OpenMenu } from "../agents/open-menu.js";
import { useUser } from "../session/session.js";
import { Button, IconButton } from "../ui/button.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { ConfirmRestart, ConfirmStop } from "./confirm-actions.js";
import { DeleteWorkspace } from "./delete-workspace.js";

type Asked = "stop" | "restart" | "delete";

/** What can be done with a workspace of the list: open or start it; the rest is in a menu, and asks before it stops programs. */
export function RowActions({ workspace }: { workspace: Workspace }) {
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
      <span className="flex justify-end">
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

import type { Workspace } from "@fleet/sdk";
import { ArrowUpCircle, Ellipsis, Play, RotateCw, Square, Star, Trash2, X } from "lucide-react";
import { useState } from "react";
import { isActive } from "../../api/workspaces.js";
import { usePermissions, useUser } from "../session/session.js";
import { Button, IconButton } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { Menu, MenuItem, MenuLine } from "../ui/menu.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";
import { DeleteWorkspace } from "./delete-workspace.js";
import { UpdateWorkspace } from "./update-workspace.js";

type Asked = "stop" | "restart" | "cancel" | "delete" | "update";

/** The buttons beside the workspace's title. What ends running programs asks first. */
export function HeaderActions({ workspace }: { workspace: Workspace }) {
  const user = useUser();
  const permissions = usePermissions();
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  const [asked, setAsked] = useState<Asked>();
  const [starting, setStarting] = useState(false);
  const build = workspace.latest_build;
  const active = isActive(build);
  const running = build.status === "running";
  const mayCancel = workspace.template_allow_user_cancel_workspace_jobs || permissions.updateTemplates;
  const close = () => setAsked(undefined);
  const start = () => {
    setStarting(true);
    act(() => actions.build({ transition: "start" }).finally(() => setStarting(false)));
  };

  return (
    <>
      {workspace.outdated && !active && build.status !== "deleted" && (
        <Button icon={<ArrowUpCircle aria-hidden />} onClick={() => setAsked("update")}>
          Update
        </Button>
      )}
      {running && (
        <Button icon={<RotateCw aria-hidden />} onClick={() => setAsked("restart")}>
          Restart
        </Button>
      )}
      {running && (
        <Button icon={<Square aria-hidden />} onClick={() => setAsked("stop")}>
          Stop
        </Button>
      )}
      {active && mayCancel && (
        <Button
          icon={<X aria-hidden />}
          disabled={build.status === "canceling"}
          onClick={() => setAsked("cancel")}
        >
          {build.status === "canceling" ? "Canceling" : "Cancel build"}
        </Button>
      )}
      {!active && !running && build.status !== "deleted" && (
        <Button look="primary" icon={<Play aria-hidden />} pending={starting} onClick={start}>
          Start
        </Button>
      )}
      <Menu
        label="More"
        trigger={
          <IconButton label="More">
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        {workspace.owner_id === user.id && (
          <MenuItem
            icon={<Star aria-hidden />}
            onSelect={() => act(() => actions.favorite(!workspace.favorite))}
          >
            {workspace.favorite ? "Remove from favorites" : "Add to favorites"}
          </MenuItem>
        )}
        {!running && (
          <MenuItem icon={<Square aria-hidden />} disabled={active} onSelect={() => setAsked("stop")}>
            Stop
          </MenuItem>
        )}
        <MenuLine />
        <MenuItem icon={<Trash2 aria-hidden />} danger disabled={active} onSelect={() => setAsked("delete")}>
          Delete …
        </MenuItem>
      </Menu>

      <Confirm
        open={asked === "stop"}
        onClose={close}
        title="Stop the workspace?"
        description="Running programs end. What is kept on its disks stays; what is not, goes."
        action="Stop"
        onConfirm={() => actions.build({ transition: "stop" })}
      />
      <Confirm
        open={asked === "restart"}
        onClose={close}
        title="Restart the workspace?"
        description="It stops and starts again: running programs end. Keep this page open until the start has begun."
        action="Restart"
        onConfirm={async () => act(() => actions.restart())}
      />
      <Confirm
        open={asked === "cancel"}
        onClose={close}
        danger
        title="Cancel the running build?"
        description="What it has made so far may be left half done. Run it again afterwards to bring the workspace into a known state."
        action="Cancel build"
        onConfirm={actions.cancel}
      />
      <DeleteWorkspace workspace={workspace} open={asked === "delete"} onClose={close} />
      {asked === "update" && <UpdateWorkspace workspace={workspace} onClose={close} />}
    </>
  );
}

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
import { ConfirmRestart, ConfirmStop } from "./confirm-actions.js";
import { DeleteWorkspace } from "./delete-workspace.js";
import { UpdateWorkspace } from "./update-workspace.js";

type Asked = "stop" | "restart" | "cancel" | "delete" | "update";

/** The buttons beside the workspace's title. Those that end running programs ask for confirmation. */
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
  // After a build that failed or was canceled, the notice offers to retry it.
  const mayStart = build.status === "stopped";
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
      {mayStart && (
        <Button look="primary" icon={<Play aria-hidden />} pending={starting} onClick={start}>
          Start
        </Button>
      )}
      {build.status !== "deleted" && (
        <Menu
          label="More actions"
          trigger={
            <IconButton label="More actions">
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
          {!running && build.status !== "stopped" && (
            <>
              <MenuItem icon={<Play aria-hidden />} disabled={active} onSelect={start}>
                Start
              </MenuItem>
              <MenuItem icon={<Square aria-hidden />} disabled={active} onSelect={() => setAsked("stop")}>
                Stop…
              </MenuItem>
            </>
          )}
          <MenuLine />
          <MenuItem
            icon={<Trash2 aria-hidden />}
            danger
            disabled={active}
            onSelect={() => setAsked("delete")}
          >
            Delete…
          </MenuItem>
        </Menu>
      )}

      <ConfirmStop workspace={workspace} open={asked === "stop"} onClose={close} />
      <ConfirmRestart workspace={workspace} open={asked === "restart"} onClose={close} />
      <Confirm
        open={asked === "cancel"}
        onClose={close}
        danger
        title="Cancel the running build?"
        description="Resources may be left partially created. Run the build again to bring the workspace into a known state."
        action="Cancel build"
        cancel="Keep running"
        onConfirm={actions.cancel}
      />
      <DeleteWorkspace workspace={workspace} open={asked === "delete"} onClose={close} />
      {asked === "update" && <UpdateWorkspace workspace={workspace} onClose={close} />}
    </>
  );
}

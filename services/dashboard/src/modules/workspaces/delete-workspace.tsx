import type { Workspace } from "@fleet/sdk";
import { useState } from "react";
import { usePermissions } from "../session/session.js";
import { Checkbox } from "../ui/choice.js";
import { Confirm } from "../ui/confirm.js";
import { useWorkspaceActions } from "./actions.js";

export function DeleteWorkspace(props: {
  workspace: Workspace;
  open: boolean;
  onClose(): void;
  /** The build that deletes has begun. */
  onBegun?(): void;
}) {
  const { workspace, open, onClose } = props;
  const actions = useWorkspaceActions(workspace);
  const [orphan, setOrphan] = useState(false);
  const mayOrphan = usePermissions().updateTemplates && workspace.latest_build.status === "failed";
  return (
    <Confirm
      open={open}
      onClose={onClose}
      danger
      title={`Delete ${workspace.name}?`}
      description="Everything in the workspace goes: its disks, its files, its resources. This cannot be undone."
      action="Delete workspace"
      typeToConfirm={workspace.name}
      onConfirm={async () => {
        await actions.build({ transition: "delete", ...(orphan ? { orphan: true } : {}) });
        props.onBegun?.();
      }}
    >
      {mayOrphan && (
        <Checkbox checked={orphan} onChange={setOrphan}>
          <span className="font-medium">Forget the resources without destroying them</span>
          <span className="block text-muted text-sm">
            For a workspace that cannot be destroyed any more. What is left of it has to be removed by hand.
          </span>
        </Checkbox>
      )}
    </Confirm>
  );
}

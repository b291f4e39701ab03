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
  /** Called when the delete build has started. */
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
      description="Deletes the workspace with its disks, files and all other resources. This cannot be undone."
      action="Delete workspace"
      typeToConfirm={workspace.name}
      onConfirm={async () => {
        await actions.build({ transition: "delete", ...(orphan ? { orphan: true } : {}) });
        props.onBegun?.();
      }}
    >
      {mayOrphan && (
        <Checkbox checked={orphan} onChange={setOrphan}>
          <span className="font-medium">Orphan the resources</span>
          <span className="block text-muted text-sm">
            Deletes the workspace without destroying its resources. Use this only if they cannot be destroyed;
            you have to remove them manually.
          </span>
        </Checkbox>
      )}
    </Confirm>
  );
}

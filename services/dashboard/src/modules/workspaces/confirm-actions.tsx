import type { Workspace } from "@fleet/sdk";
import { Confirm } from "../ui/confirm.js";
import { useWorkspaceActions } from "./actions.js";

type AskedProps = { workspace: Workspace; open: boolean; onClose(): void };

const LOST = "Running programs are stopped. Data on persistent disks is kept; everything else is lost.";

/** Confirmation dialogs for actions that end running programs. */
export function ConfirmStop({ workspace, ...dialog }: AskedProps) {
  const actions = useWorkspaceActions(workspace);
  return (
    <Confirm
      {...dialog}
      title={`Stop ${workspace.name}?`}
      description={LOST}
      action="Stop workspace"
      onConfirm={() => actions.build({ transition: "stop" })}
    />
  );
}

export function ConfirmRestart({ workspace, ...dialog }: AskedProps) {
  const actions = useWorkspaceActions(workspace);
  return (
    <Confirm
      {...dialog}
      title={`Restart ${workspace.name}?`}
      description={LOST}
      action="Restart workspace"
      onConfirm={() => actions.restart()}
    />
  );
}

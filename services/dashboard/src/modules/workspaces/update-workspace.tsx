import type { NameValue, RichParameter, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { readError } from "../../api/errors.js";
import { richParametersQuery, versionQuery } from "../../api/templates.js";
import { buildParametersQuery } from "../../api/workspaces.js";
import { Markdown } from "../markdown/markdown.js";
import { ParameterFields, useParameterForm } from "../parameters/form.js";
import { toNameValues } from "../parameters/values.js";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { ErrorNotice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { useAct } from "../ui/toast.js";
import { useWorkspaceActions } from "./actions.js";

type UpdateProps = { workspace: Workspace; onClose(): void };

/** Brings the workspace to the template's active version, and asks for what that version needs and the workspace lacks. */
export function UpdateWorkspace({ workspace, onClose }: UpdateProps) {
  const version = useQuery(versionQuery(workspace.template_active_version_id));
  const parameters = useQuery(richParametersQuery(workspace.template_active_version_id));
  const current = useQuery(buildParametersQuery(workspace.latest_build.id));
  const error = version.error ?? parameters.error ?? current.error;
  if (version.data && parameters.data && current.data) {
    return (
      <UpdateForm
        workspace={workspace}
        onClose={onClose}
        name={version.data.name}
        message={version.data.message}
        parameters={parameters.data}
        current={current.data}
      />
    );
  }
  return (
    <Dialog open onClose={onClose} title="Update the workspace">
      {error ? <ErrorNotice error={error} /> : <Skeleton className="h-24 w-full" />}
    </Dialog>
  );
}

function UpdateForm(
  props: UpdateProps & { name: string; message: string; parameters: RichParameter[]; current: NameValue[] },
) {
  const { workspace, onClose, name, message, parameters, current } = props;
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  const [error, setError] = useState<unknown>();
  const [pending, setPending] = useState(false);
  const asked = useMemo(() => {
    const has = new Set(current.map((parameter) => parameter.name));
    return parameters.filter((parameter) => !has.has(parameter.name) && !parameter.ephemeral);
  }, [parameters, current]);
  const form = useParameterForm({ parameters: asked, known: [] });
  const running = workspace.latest_build.status === "running";
  const { fields } = readError(error ?? "");

  async function update() {
    if (!form.check()) return;
    const start = {
      template_version_id: workspace.template_active_version_id,
      rich_parameter_values: toNameValues(asked, form.values),
    };
    if (running) {
      act(() => actions.restart(start));
      return onClose();
    }
    setPending(true);
    try {
      await actions.build({ transition: "start", ...start });
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      wide={asked.length > 0}
      title={`Update to ${name}`}
      description={
        running
          ? "The workspace stops and starts again with the template's active version: running programs end."
          : "The workspace starts with the template's active version."
      }
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button look="primary" pending={pending} onClick={() => void update()}>
            {running ? "Update and restart" : "Update and start"}
          </Button>
        </>
      }
    >
      {message && <Markdown text={message} />}
      {asked.length > 0 && <ParameterFields parameters={asked} form={form} serverErrors={fields} />}
      {error !== undefined && <ErrorNotice error={error} />}
    </Dialog>
  );
}

import type { NameValue, RichParameter, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { richParametersQuery, versionQuery } from "../../api/templates.js";
import { buildParametersQuery } from "../../api/workspaces.js";
import { Markdown } from "../markdown/markdown.js";
import { ParameterFields, useParameterForm } from "../parameters/form.js";
import { toNameValues } from "../parameters/values.js";
import { Dialog } from "../ui/dialog.js";
import { FormDialog, useForm } from "../ui/form.js";
import { ErrorNotice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { useWorkspaceActions } from "./actions.js";

type UpdateProps = { workspace: Workspace; onClose(): void };

/** Updates the workspace to the template's active version and asks for parameter values that it lacks. */
export function UpdateWorkspace({ workspace, onClose }: UpdateProps) {
  const version = useQuery(versionQuery(workspace.template_active_version_id));
  const parameters = useQuery(richParametersQuery(workspace.template_active_version_id));
  const current = useQuery(buildParametersQuery(workspace.latest_build.id));
  const failed = [version, parameters, current].find(({ data, error }) => data === undefined && error);
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
    <Dialog open onClose={onClose} title="Update workspace">
      {failed ? (
        <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />
      ) : (
        <Skeleton className="h-24 w-full" />
      )}
    </Dialog>
  );
}

function UpdateForm(
  props: UpdateProps & { name: string; message: string; parameters: RichParameter[]; current: NameValue[] },
) {
  const { workspace, onClose, name, message, parameters, current } = props;
  const actions = useWorkspaceActions(workspace);
  const asked = useMemo(() => {
    const has = new Set(current.map((parameter) => parameter.name));
    return parameters.filter((parameter) => !has.has(parameter.name) && !parameter.ephemeral);
  }, [parameters, current]);
  const fields = useParameterForm({ parameters: asked, known: [] });
  const running = workspace.latest_build.status === "running";
  const form = useForm({
    check: fields.check,
    async submit() {
      const start = {
        template_version_id: workspace.template_active_version_id,
        rich_parameter_values: toNameValues(asked, fields.values),
      };
      await (running ? actions.restart(start) : actions.build({ transition: "start", ...start }));
      onClose();
    },
  });

  return (
    <FormDialog
      form={form}
      onClose={onClose}
      wide={asked.length > 0}
      title={`Update to ${name}`}
      description={
        running
          ? "The workspace restarts with the template's active version. Running programs are stopped."
          : "The workspace starts with the template's active version."
      }
      action={running ? "Update and restart" : "Update and start"}
    >
      {message && <Markdown text={message} />}
      {asked.length > 0 && <ParameterFields parameters={asked} form={fields} />}
    </FormDialog>
  );
}

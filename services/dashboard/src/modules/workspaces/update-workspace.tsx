import type { NameValue, RichParameter, TemplateVersion, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo } from "react";
import { richParametersQuery, versionQuery } from "../../api/templates.js";
import { buildParametersQuery } from "../../api/workspaces.js";
import { Markdown } from "../markdown/markdown.js";
import { DynamicFields } from "../parameters/dynamic-fields.js";
import { useDynamicForm } from "../parameters/dynamic-form.js";
import { ParameterFields } from "../parameters/fields.js";
import { type ParameterForm, useParameterForm } from "../parameters/form.js";
import { Dialog } from "../ui/dialog.js";
import { FormDialog, useForm } from "../ui/form.js";
import { ErrorNotice } from "../ui/notice.js";
import { Skeleton } from "../ui/page.js";
import { useWorkspaceActions } from "./actions.js";

type UpdateProps = { workspace: Workspace; onClose(): void };

/** Updates the workspace to the template's active version and asks for parameter values that it lacks. */
export function UpdateWorkspace({ workspace, onClose }: UpdateProps) {
  const isClassic = workspace.template_use_classic_parameter_flow !== false;
  const version = useQuery(versionQuery(workspace.template_active_version_id));
  const parameters = useQuery({
    ...richParametersQuery(workspace.template_active_version_id),
    enabled: isClassic,
  });
  const current = useQuery(buildParametersQuery(workspace.latest_build.id));
  const failed = [version, parameters, current].find(({ data, error }) => data === undefined && error);
  if (version.data && current.data && (parameters.data || !isClassic)) {
    const props = { workspace, onClose, version: version.data, current: current.data };
    return parameters.data ? (
      <ClassicUpdate {...props} parameters={parameters.data} />
    ) : (
      <DynamicUpdate {...props} />
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

type LoadedProps = UpdateProps & { version: TemplateVersion; current: NameValue[] };

function ClassicUpdate({ parameters, current, ...props }: LoadedProps & { parameters: RichParameter[] }) {
  const asked = useMemo(() => {
    const has = new Set(current.map((parameter) => parameter.name));
    return parameters.filter((parameter) => !has.has(parameter.name) && !parameter.ephemeral);
  }, [parameters, current]);
  const fields = useParameterForm({ parameters: asked, known: [] });
  return (
    <UpdateForm {...props} form={fields} asked={asked}>
      {asked.length > 0 && <ParameterFields form={fields} />}
    </UpdateForm>
  );
}

/** Asks for the parameters that the workspace has no valid value of, as they are for its other values. */
function DynamicUpdate({ current, ...props }: LoadedProps) {
  const fields = useDynamicForm({
    version: props.version.id,
    ownerId: props.workspace.owner_id,
    known: current,
    previous: current,
  });
  const has = new Set(current.map((parameter) => parameter.name));
  const asked = fields.parameters.filter(
    (field) =>
      !field.ephemeral &&
      (!has.has(field.name) || fields.isTouched(field.name) || field.name in fields.errors),
  );
  return (
    <UpdateForm {...props} form={fields} asked={asked}>
      {(asked.length > 0 || !fields.isLoaded || fields.diagnostics.length > 0) && (
        <DynamicFields form={fields} parameters={asked} />
      )}
    </UpdateForm>
  );
}

function UpdateForm(
  props: UpdateProps & {
    version: TemplateVersion;
    form: ParameterForm;
    asked: readonly RichParameter[];
    children: ReactNode;
  },
) {
  const { workspace, onClose, version, form: fields, asked, children } = props;
  const actions = useWorkspaceActions(workspace);
  const running = workspace.latest_build.status === "running";
  const form = useForm({
    check: fields.check,
    async submit() {
      const names = new Set(asked.map(({ name }) => name));
      const start = {
        template_version_id: version.id,
        rich_parameter_values: (await fields.ready()).filter(({ name }) => names.has(name)),
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
      title={`Update to ${version.name}`}
      description={
        running
          ? "The workspace restarts with the template's active version. Running programs are stopped."
          : "The workspace starts with the template's active version."
      }
      action={running ? "Update and restart" : "Update and start"}
    >
      {version.message && <Markdown text={version.message} />}
      {children}
    </FormDialog>
  );
}

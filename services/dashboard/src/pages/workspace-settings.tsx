import { isFixed, rulesOfWire } from "@fleet/parameters";
import type { NameValue, RichParameter, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useNavigate } from "react-router";
import { client } from "../api/client.js";
import { richParametersQuery } from "../api/templates.js";
import { buildParametersQuery, isActive } from "../api/workspaces.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { DynamicFields } from "../modules/parameters/dynamic-fields.js";
import { useDynamicForm } from "../modules/parameters/dynamic-form.js";
import { ParameterFields } from "../modules/parameters/fields.js";
import { type ParameterForm, useParameterForm } from "../modules/parameters/form.js";
import { Button } from "../modules/ui/button.js";
import { Switch } from "../modules/ui/choice.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Section, Skeleton } from "../modules/ui/page.js";
import { useAct } from "../modules/ui/toast.js";
import { useWorkspaceActions } from "../modules/workspaces/actions.js";
import { DeleteWorkspace } from "../modules/workspaces/delete-workspace.js";
import { ScheduleForm } from "../modules/workspaces/schedule-form.js";
import { workspacePath } from "../paths.js";

export function SettingsTab({ workspace }: { workspace: Workspace }) {
  return (
    <div className="flex max-w-3xl flex-col gap-5">
      <Parameters workspace={workspace} />
      <ScheduleForm workspace={workspace} />
      <General workspace={workspace} />
      <DangerZone workspace={workspace} />
    </div>
  );
}

function Parameters({ workspace }: { workspace: Workspace }) {
  const build = workspace.latest_build;
  const isClassic = workspace.template_use_classic_parameter_flow !== false;
  const parameters = useQuery({ ...richParametersQuery(build.template_version_id), enabled: isClassic });
  const current = useQuery(buildParametersQuery(build.id));
  return (
    <Section title="Parameters" lead="Changes take effect when the workspace is built.">
      <Loaded query={current} skeleton={<Skeleton className="h-20 w-full" />}>
        {(values) =>
          isClassic ? (
            <Loaded query={parameters}>
              {(all) => (
                <ClassicParameters key={build.id} workspace={workspace} parameters={all} current={values} />
              )}
            </Loaded>
          ) : (
            <DynamicParameters key={build.id} workspace={workspace} current={values} />
          )
        }
      </Loaded>
    </Section>
  );
}

type ParametersProps = { workspace: Workspace; current: NameValue[] };

function ClassicParameters({
  workspace,
  parameters,
  current,
}: ParametersProps & { parameters: RichParameter[] }) {
  const fields = useParameterForm({ parameters, known: current, previous: current });
  if (parameters.length === 0) return <NoParameters />;
  return (
    <ParametersForm workspace={workspace} current={current} fields={fields}>
      <ParameterFields form={fields} isFixed={(parameter) => isFixedIn(current, parameter)} />
    </ParametersForm>
  );
}

function DynamicParameters({ workspace, current }: ParametersProps) {
  const fields = useDynamicForm({
    version: workspace.latest_build.template_version_id,
    ownerId: workspace.owner_id,
    known: current,
    previous: current,
  });
  if (fields.isLoaded && fields.parameters.length === 0 && fields.diagnostics.length === 0)
    return <NoParameters />;
  return (
    <ParametersForm workspace={workspace} current={current} fields={fields}>
      <DynamicFields form={fields} isFixed={(parameter) => isFixedIn(current, parameter)} />
    </ParametersForm>
  );
}

function NoParameters() {
  return <p className="text-muted">The template has no parameters.</p>;
}

function isFixedIn(current: readonly NameValue[], parameter: RichParameter): boolean {
  const value = current.find(({ name }) => name === parameter.name)?.value;
  return isFixed({ ...parameter, ...rulesOfWire(parameter) }, value);
}

/** The values that the user has changed: the workspace keeps the others. */
function changesOf(current: readonly NameValue[], values: readonly NameValue[], fields: ParameterForm) {
  const before = new Map(current.map(({ name, value }) => [name, value]));
  return values.filter(({ name, value }) => fields.isTouched(name) && before.get(name) !== value);
}

function ParametersForm(props: ParametersProps & { fields: ParameterForm; children: ReactNode }) {
  const { workspace, current, fields, children } = props;
  const actions = useWorkspaceActions(workspace);
  const navigate = useNavigate();
  const running = workspace.latest_build.status === "running";
  const shown = fields.parameters.map(({ name }) => ({ name, value: fields.values[name] ?? "" }));
  const isChanged = changesOf(current, shown, fields).length > 0;
  const form = useForm({
    check: fields.check,
    async submit() {
      const start = {
        rich_parameter_values: changesOf(current, await fields.ready(), fields),
        template_version_id: workspace.latest_build.template_version_id,
      };
      await (running ? actions.restart(start) : actions.build({ transition: "start", ...start }));
      await navigate(workspacePath(workspace));
    },
  });

  return (
    <Form form={form} className="flex flex-col gap-5">
      {children}
      <FormFailure />
      <div className="flex flex-wrap items-center gap-3">
        <SubmitButton form={form} size="sm" disabled={!isChanged || isActive(workspace.latest_build)}>
          {running ? "Apply and restart" : "Apply and start"}
        </SubmitButton>
        {running && isChanged && (
          <span className="text-muted text-sm">The workspace restarts. Running programs are stopped.</span>
        )}
      </div>
    </Form>
  );
}

function General({ workspace }: { workspace: Workspace }) {
  return (
    <Section title="General">
      <div className="flex flex-col gap-6">
        <Rename workspace={workspace} />
        <AutomaticUpdates workspace={workspace} />
      </div>
    </Section>
  );
}

function Rename({ workspace }: { workspace: Workspace }) {
  const actions = useWorkspaceActions(workspace);
  const navigate = useNavigate();
  const [name, setName] = useState(workspace.name);
  const form = useForm({
    async submit() {
      await client.workspaceUpdate({ params: { workspace: workspace.id }, body: { name } });
      await actions.refresh();
      await navigate(`${workspacePath({ ...workspace, name })}/settings`, { replace: true });
    },
  });
  return (
    <Form form={form} className="flex flex-col gap-3">
      <Field
        name="name"
        label="Name"
        description="Part of the workspace's URLs. URLs with the old name stop working."
      >
        <Input
          value={name}
          required
          maxLength={32}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          disabled={!workspace.allow_renames}
          onChange={(event) => setName(event.target.value)}
        />
      </Field>
      {!workspace.allow_renames && <Notice>Renaming workspaces is disabled on this deployment.</Notice>}
      <FormFailure />
      <div>
        <SubmitButton
          form={form}
          look="secondary"
          size="sm"
          disabled={!workspace.allow_renames || name === workspace.name}
        >
          Rename
        </SubmitButton>
      </div>
    </Form>
  );
}

function AutomaticUpdates({ workspace }: { workspace: Workspace }) {
  const actions = useWorkspaceActions(workspace);
  const act = useAct();
  const change = async (on: boolean) => {
    await client.workspaceAutomaticUpdatesUpdate({
      params: { workspace: workspace.id },
      body: { automatic_updates: on ? "always" : "never" },
    });
    await actions.refresh();
  };
  return (
    <div className="flex flex-col gap-1">
      <Switch checked={workspace.automatic_updates === "always"} onChange={(on) => act(() => change(on))}>
        <span className="font-medium">Update automatically</span>
      </Switch>
      <p className="pl-11.5 text-muted text-sm">Each start uses the template's active version.</p>
    </div>
  );
}

function DangerZone({ workspace }: { workspace: Workspace }) {
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  return (
    <Section title="Delete" lead="Deletes the workspace with its disks and files.">
      <Button
        size="sm"
        className="text-bad!"
        icon={<Trash2 aria-hidden />}
        disabled={isActive(workspace.latest_build)}
        onClick={() => setDeleting(true)}
      >
        Delete workspace…
      </Button>
      <DeleteWorkspace
        workspace={workspace}
        open={deleting}
        onClose={() => setDeleting(false)}
        onBegun={() => void navigate(workspacePath(workspace))}
      />
    </Section>
  );
}

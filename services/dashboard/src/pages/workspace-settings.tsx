import { isFixed, rulesOfWire } from "@fleet/parameters";
import type { NameValue, RichParameter, Workspace } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import { useNavigate } from "react-router";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { richParametersQuery } from "../api/templates.js";
import { buildParametersQuery, isActive } from "../api/workspaces.js";
import { ParameterFields, useParameterForm } from "../modules/parameters/form.js";
import { Button } from "../modules/ui/button.js";
import { Switch } from "../modules/ui/choice.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
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
  const parameters = useQuery(richParametersQuery(build.template_version_id));
  const current = useQuery(buildParametersQuery(build.id));
  const error = parameters.error ?? current.error;
  return (
    <Section title="Parameters" lead="What the template lets you choose. A change takes a build.">
      {error && <ErrorNotice error={error} />}
      {!error && !(parameters.data && current.data) && <Skeleton className="h-20 w-full" />}
      {parameters.data?.length === 0 && <p className="text-muted">The template has no parameters.</p>}
      {parameters.data && parameters.data.length > 0 && current.data && (
        <ParametersForm
          key={build.id}
          workspace={workspace}
          parameters={parameters.data}
          current={current.data}
        />
      )}
    </Section>
  );
}

function ParametersForm(props: { workspace: Workspace; parameters: RichParameter[]; current: NameValue[] }) {
  const { workspace, parameters, current } = props;
  const actions = useWorkspaceActions(workspace);
  const navigate = useNavigate();
  const act = useAct();
  const form = useParameterForm({ parameters, known: current, previous: current });
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const running = workspace.latest_build.status === "running";
  const changes = useMemo(() => {
    const before = new Map(current.map(({ name, value }) => [name, value]));
    return parameters
      .map(({ name }) => ({ name, value: form.values[name] ?? "" }))
      .filter(({ name, value }) => before.get(name) !== value && !(value === "" && !before.has(name)));
  }, [parameters, current, form.values]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!form.check()) return;
    const start = {
      rich_parameter_values: changes,
      template_version_id: workspace.latest_build.template_version_id,
    };
    setPending(true);
    setError(undefined);
    try {
      if (running) act(() => actions.restart(start));
      else await actions.build({ transition: "start", ...start });
      await navigate(workspacePath(workspace));
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-5">
      <ParameterFields
        parameters={parameters}
        form={form}
        isFixed={(parameter) =>
          isFixed(
            { ...parameter, ...rulesOfWire(parameter) },
            current.find(({ name }) => name === parameter.name)?.value,
          )
        }
        serverErrors={readError(error ?? "").fields}
      />
      {error !== undefined && <ErrorNotice error={error} />}
      <div className="flex flex-wrap items-center gap-3">
        <Button
          type="submit"
          look="primary"
          size="sm"
          pending={pending}
          disabled={changes.length === 0 || isActive(workspace.latest_build)}
        >
          {running ? "Apply and restart" : "Apply and start"}
        </Button>
        {running && changes.length > 0 && (
          <span className="text-muted text-sm">Running programs will end.</span>
        )}
      </div>
    </form>
  );
}

function General({ workspace }: { workspace: Workspace }) {
  const actions = useWorkspaceActions(workspace);
  const navigate = useNavigate();
  const act = useAct();
  const [name, setName] = useState(workspace.name);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const params = { workspace: workspace.id };

  async function rename(event: FormEvent) {
    event.preventDefault();
    setPending(true);
    setError(undefined);
    try {
      await client.workspaceUpdate({ params, body: { name } });
      await actions.refresh();
      await navigate(`${workspacePath({ ...workspace, name })}/settings`, { replace: true });
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Section title="General">
      <div className="flex flex-col gap-6">
        <form onSubmit={(event) => void rename(event)} className="flex flex-col gap-3">
          <Field
            label="Name"
            error={readError(error ?? "").fields.name}
            description="It is part of the workspace's addresses: those that people kept end with the old name."
          >
            <Input
              value={name}
              required
              maxLength={32}
              pattern="[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
              title="Letters, digits and single hyphens"
              disabled={!workspace.allow_renames}
              onChange={(event) => setName(event.target.value)}
            />
          </Field>
          {!workspace.allow_renames && <Notice>This deployment does not let workspaces be renamed.</Notice>}
          {error !== undefined && <ErrorNotice error={error} />}
          <div>
            <Button
              type="submit"
              size="sm"
              pending={pending}
              disabled={!workspace.allow_renames || name === workspace.name}
            >
              Rename
            </Button>
          </div>
        </form>
        <div className="flex flex-col gap-1">
          <Switch
            checked={workspace.automatic_updates === "always"}
            onChange={(on) =>
              act(async () => {
                await client.workspaceAutomaticUpdatesUpdate({
                  params,
                  body: { automatic_updates: on ? "always" : "never" },
                });
                await actions.refresh();
              })
            }
          >
            <span className="font-medium">Update on each start</span>
          </Switch>
          <p className="pl-11.5 text-muted text-sm">Each start takes the template's active version.</p>
        </div>
      </div>
    </Section>
  );
}

function DangerZone({ workspace }: { workspace: Workspace }) {
  const navigate = useNavigate();
  const [deleting, setDeleting] = useState(false);
  return (
    <Section title="Delete" lead="Everything in the workspace goes, its disks and files included.">
      <Button
        size="sm"
        className="text-bad!"
        icon={<Trash2 aria-hidden />}
        disabled={isActive(workspace.latest_build)}
        onClick={() => setDeleting(true)}
      >
        Delete workspace …
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

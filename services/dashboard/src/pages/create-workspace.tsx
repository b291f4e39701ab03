import type {
  NameValue,
  Preset,
  RichParameter,
  Template,
  TemplateRollout,
  TemplateVersion,
} from "@fleet/sdk";
import { versionOfNewWorkspace } from "@fleet/sdk/browser";
import { useQueries, useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import {
  autofillQuery,
  externalAuthQuery,
  presetsQuery,
  richParametersQuery,
  rolloutsQuery,
  templateQuery,
  versionsQuery,
} from "../api/templates.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Icon, IconTile } from "../modules/icons/icon.js";
import { InlineMarkdown } from "../modules/markdown/markdown.js";
import { DynamicFields } from "../modules/parameters/dynamic-fields.js";
import { useDynamicForm } from "../modules/parameters/dynamic-form.js";
import { ParameterFields } from "../modules/parameters/fields.js";
import { type ParameterForm, presetInEffect, useParameterForm } from "../modules/parameters/form.js";
import { presetValues } from "../modules/parameters/values.js";
import { useUser } from "../modules/session/session.js";
import { ExternalAuthList } from "../modules/templates/external-auth.js";
import { suggestName } from "../modules/templates/suggest-name.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { workspacePath } from "../paths.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template/workspace?name=&version=&param.NAME=VALUE`: links can prefill the form. */
export function CreateWorkspacePage() {
  const { template: name = "" } = useParams();
  useTitle(`New workspace from ${name}`);
  const template = useQuery(templateQuery(name));
  const rollouts = useQuery({ ...rolloutsQuery(template.data?.id ?? ""), enabled: template.isSuccess });
  if (isFleetError(template.error, "not_found")) return <NotFoundPage />;
  const skeleton = <Skeleton className="h-64 w-full rounded-xl" />;
  return (
    <Loaded query={template} skeleton={skeleton}>
      {(found) =>
        rollouts.isPending ? skeleton : <WithTemplate template={found} rollouts={rollouts.data ?? []} />
      }
    </Loaded>
  );
}

function WithTemplate({ template, rollouts }: { template: Template; rollouts: TemplateRollout[] }) {
  const [search, setSearch] = useSearchParams();
  const [drawn] = useState(() => versionOfNewWorkspace(template, rollouts));
  const version = search.get("version") ?? drawn;
  const isClassic = template.use_classic_parameter_flow !== false;
  const versions = useQuery(versionsQuery(template.id));
  const usable = versions.data?.filter(({ job, archived }) => job.status === "succeeded" && !archived) ?? [];
  const [parameters, presets, autofill, auth] = useQueries({
    queries: [
      { ...richParametersQuery(version), enabled: isClassic },
      presetsQuery(version),
      { ...autofillQuery(template.id), retry: false },
      externalAuthQuery(version),
    ],
  });
  const failed = [parameters, presets].find(({ data, error }) => data === undefined && error);
  const ready = (parameters.data || !isClassic) && presets.data && !autofill.isPending;
  return (
    <div className="mx-auto flex max-w-2xl flex-col gap-5">
      <Link
        to={`/templates/${template.name}`}
        className="-mb-2 flex w-fit items-center gap-1.5 rounded text-muted text-sm hover:text-ink"
      >
        <ArrowLeft className="size-3.5" aria-hidden />
        {template.display_name || template.name}
      </Link>
      <PageHeader
        icon={<IconTile url={template.icon} hints={[template.name]} size={42} />}
        title="New workspace"
        lead={template.description || `From ${template.display_name || template.name}`}
      />
      {template.deprecated && (
        <Notice tone="warn" title="This template is deprecated">
          <InlineMarkdown text={template.deprecation_message} />
        </Notice>
      )}
      {failed && <ErrorNotice error={failed.error} onRetry={() => void failed.refetch()} />}
      {!failed && !ready && <Skeleton className="h-64 w-full rounded-xl" />}
      {ready && (
        <>
          {auth.data && auth.data.length > 0 && (
            <ExternalAuthList providers={auth.data} onRefresh={() => void auth.refetch()} />
          )}
          <Create
            key={version}
            template={template}
            version={version}
            versions={usable}
            onVersion={(id) => setSearch({ version: id }, { replace: true })}
            parameters={parameters.data}
            presets={presets.data}
            autofill={autofill.data ?? []}
            blocked={(auth.data ?? []).some((provider) => !provider.optional && !provider.authenticated)}
          />
        </>
      )}
    </div>
  );
}

const PARAMETER_PREFIX = "param.";
const NO_PRESET = "none";

type CreateProps = {
  template: Template;
  version: string;
  versions: TemplateVersion[];
  onVersion(version: string): void;
  presets: Preset[];
  blocked: boolean;
};
type Start = { preset: Preset | undefined; known: NameValue[] };

/** Starts the form with what is known, in the template's parameter flow. */
function Create(props: CreateProps & { parameters: RichParameter[] | undefined; autofill: NameValue[] }) {
  const { parameters, autofill, ...rest } = props;
  const { presets } = rest;
  const [search] = useSearchParams();
  const start = useMemo(() => {
    const fromAddress = [...search]
      .filter(([key]) => key.startsWith(PARAMETER_PREFIX))
      .map(([key, value]) => ({ name: key.slice(PARAMETER_PREFIX.length), value }));
    const preset = presets.find((each) => each.Default);
    const fromPreset = (preset?.Parameters ?? []).map((each) => ({ name: each.Name, value: each.Value }));
    // In increasing precedence: last used values, the default preset, the URL.
    return { preset, known: [...autofill, ...fromPreset, ...fromAddress] };
  }, [search, presets, autofill]);
  return parameters ? (
    <ClassicCreate {...rest} {...start} parameters={parameters} />
  ) : (
    <DynamicCreate {...rest} {...start} />
  );
}

function ClassicCreate({
  parameters,
  known,
  ...props
}: CreateProps & Start & { parameters: RichParameter[] }) {
  const fields = useParameterForm({ parameters, known });
  return (
    <CreateForm {...props} fields={fields}>
      {parameters.length > 0 && (
        <Section title="Parameters">
          <ParameterFields form={fields} />
        </Section>
      )}
    </CreateForm>
  );
}

function DynamicCreate({ known, ...props }: CreateProps & Start) {
  const user = useUser();
  const fields = useDynamicForm({ version: props.version, ownerId: user.id, known });
  const isEmpty = fields.isLoaded && fields.parameters.length === 0 && fields.diagnostics.length === 0;
  return (
    <CreateForm {...props} fields={fields}>
      {!isEmpty && (
        <Section title="Parameters">
          <DynamicFields form={fields} />
        </Section>
      )}
    </CreateForm>
  );
}

function CreateForm(
  props: CreateProps & { preset: Preset | undefined; fields: ParameterForm; children: ReactNode },
) {
  const { template, version, versions, onVersion, presets, blocked, fields, children } = props;
  const user = useUser();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [name, setName] = useState(() => search.get("name") ?? suggestName(template.name));
  const [chosen, setChosen] = useState(props.preset);
  const preset = presetInEffect(chosen, fields);

  function choosePreset(id: string) {
    const found = presets.find((each) => each.ID === id);
    setChosen(found);
    if (found) fields.merge(presetValues(found));
  }

  const form = useForm({
    check: fields.check,
    async submit() {
      const values = await fields.ready();
      const workspace = await client.workspaceCreate({
        params: { user: "me" },
        body: {
          name,
          template_version_id: version,
          rich_parameter_values: values,
          ...(preset ? { template_version_preset_id: preset.ID } : {}),
        },
      });
      await navigate(workspacePath(workspace));
    },
  });

  return (
    <Form form={form} className="flex flex-col gap-5">
      <Section title="General">
        <div className="flex flex-col gap-5">
          <Field
            name="name"
            label="Name"
            description={`The workspace's URL is ${location.host}/@${user.username}/${name}`}
          >
            <Input
              value={name}
              required
              autoFocus
              maxLength={32}
              pattern={NAME_PATTERN}
              title={NAME_RULE}
              autoComplete="off"
              spellCheck={false}
              onChange={(event) => setName(event.target.value)}
            />
          </Field>
          {versions.length > 1 && (
            <Field label="Version">
              <Select
                value={version}
                options={versions.map((each) => ({
                  value: each.id,
                  label: each.id === template.active_version_id ? `${each.name} (active)` : each.name,
                  ...(each.message ? { description: each.message } : {}),
                }))}
                onChange={onVersion}
              />
            </Field>
          )}
          {presets.length > 0 && (
            <Field
              label="Preset"
              description={preset?.Description || "Sets parameter values. You can change them below."}
            >
              <Select
                value={preset?.ID ?? NO_PRESET}
                options={[
                  { value: NO_PRESET, label: "None" },
                  ...presets.map((each) => ({
                    value: each.ID,
                    label: each.Name,
                    ...(each.Description ? { description: each.Description } : {}),
                    icon: each.Icon ? <Icon url={each.Icon} size={16} /> : undefined,
                  })),
                ]}
                onChange={choosePreset}
              />
            </Field>
          )}
        </div>
      </Section>
      {children}
      <FormFailure />
      {blocked && <Notice tone="warn">Sign in to the required accounts above to continue.</Notice>}
      <div className="flex justify-end gap-2">
        <Button asChild>
          <Link to={`/templates/${template.name}`}>Cancel</Link>
        </Button>
        <SubmitButton form={form} disabled={blocked}>
          Create workspace
        </SubmitButton>
      </div>
    </Form>
  );
}

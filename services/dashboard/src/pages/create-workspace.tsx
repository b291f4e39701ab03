import type { NameValue, Preset, RichParameter, Template, TemplateVersion } from "@fleet/sdk";
import { useQueries, useQuery } from "@tanstack/react-query";
import { ArrowLeft } from "lucide-react";
import { type FormEvent, useMemo, useState } from "react";
import { Link, useNavigate, useParams, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { isFleetError, readError } from "../api/errors.js";
import {
  autofillQuery,
  externalAuthQuery,
  presetsQuery,
  richParametersQuery,
  templateQuery,
  versionsQuery,
} from "../api/templates.js";
import { Icon, IconTile } from "../modules/icons/icon.js";
import { ParameterFields, useParameterForm } from "../modules/parameters/form.js";
import { toNameValues, withPreset } from "../modules/parameters/values.js";
import { useUser } from "../modules/session/session.js";
import { ExternalAuthList } from "../modules/templates/external-auth.js";
import { suggestName } from "../modules/templates/suggest-name.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { PageHeader, Section, Skeleton, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { workspacePath } from "../paths.js";
import { NotFoundPage } from "./not-found.js";

/** `/templates/:template/workspace?name=&version=&param.NAME=VALUE`: links may fill the form in. */
export function CreateWorkspacePage() {
  const { template: name = "" } = useParams();
  useTitle(`New workspace from ${name}`);
  const template = useQuery(templateQuery(name));
  if (isFleetError(template.error, "not_found")) return <NotFoundPage />;
  if (template.isError) return <ErrorNotice error={template.error} onRetry={() => void template.refetch()} />;
  if (template.isPending) return <Skeleton className="h-64 w-full rounded-xl" />;
  return <WithTemplate template={template.data} />;
}

function WithTemplate({ template }: { template: Template }) {
  const [search, setSearch] = useSearchParams();
  const version = search.get("version") ?? template.active_version_id;
  const versions = useQuery(versionsQuery(template.id));
  const usable = versions.data?.filter(({ job, archived }) => job.status === "succeeded" && !archived) ?? [];
  const [parameters, presets, autofill, auth] = useQueries({
    queries: [
      richParametersQuery(version),
      presetsQuery(version),
      { ...autofillQuery(template.id), retry: false },
      externalAuthQuery(version),
    ],
  });
  const error = parameters.error ?? presets.error;
  const ready = parameters.data && presets.data && !autofill.isPending;
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
          {template.deprecation_message}
        </Notice>
      )}
      {error && <ErrorNotice error={error} />}
      {!error && !ready && <Skeleton className="h-64 w-full rounded-xl" />}
      {ready && (
        <>
          {auth.data && auth.data.length > 0 && (
            <ExternalAuthList providers={auth.data} onRefresh={() => void auth.refetch()} />
          )}
          <CreateForm
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

function CreateForm(props: {
  template: Template;
  version: string;
  versions: TemplateVersion[];
  onVersion(version: string): void;
  parameters: RichParameter[];
  presets: Preset[];
  autofill: NameValue[];
  blocked: boolean;
}) {
  const { template, version, versions, onVersion, parameters, presets, autofill, blocked } = props;
  const user = useUser();
  const navigate = useNavigate();
  const [search] = useSearchParams();
  const [name, setName] = useState(() => search.get("name") ?? suggestName(template.name));
  const [preset, setPreset] = useState(() => presets.find((each) => each.Default));
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const known = useMemo(() => {
    const fromAddress = [...search]
      .filter(([key]) => key.startsWith(PARAMETER_PREFIX))
      .map(([key, value]) => ({ name: key.slice(PARAMETER_PREFIX.length), value }));
    const fromPreset = (presets.find((each) => each.Default)?.Parameters ?? []).map((each) => ({
      name: each.Name,
      value: each.Value,
    }));
    // The later wins: what was chosen last time, the default preset, the address.
    return [...autofill, ...fromPreset, ...fromAddress];
  }, [search, presets, autofill]);
  const form = useParameterForm({ parameters, known });
  const { fields } = readError(error ?? "");

  function choosePreset(id: string) {
    const chosen = presets.find((each) => each.ID === id);
    setPreset(chosen);
    if (chosen) form.setAll(withPreset(form.values, chosen));
  }

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!form.check()) {
      document.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
      return;
    }
    setPending(true);
    setError(undefined);
    try {
      const workspace = await client.workspaceCreate({
        params: { user: "me" },
        body: {
          name,
          ...(version === template.active_version_id
            ? { template_id: template.id }
            : { template_version_id: version }),
          rich_parameter_values: toNameValues(parameters, form.values),
          ...(preset ? { template_version_preset_id: preset.ID } : {}),
        },
      });
      await navigate(workspacePath(workspace));
    } catch (failure) {
      setError(failure);
      setPending(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-5">
      <Section title="General">
        <div className="flex flex-col gap-5">
          <Field
            label="Name"
            error={fields.name}
            description={`It will be at ${location.host}/@${user.username}/${name}`}
          >
            <Input
              value={name}
              required
              autoFocus
              maxLength={32}
              pattern="[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
              title="Letters, digits and single hyphens"
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
              description={preset?.Description || "Fills the parameters in; you can change them."}
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
      {parameters.length > 0 && (
        <Section title="Parameters">
          <ParameterFields parameters={parameters} form={form} serverErrors={fields} />
        </Section>
      )}
      {error !== undefined && <ErrorNotice error={error} />}
      {blocked && <Notice tone="warn">Sign in to the providers above: the template needs them.</Notice>}
      <div className="flex justify-end gap-2">
        <Button asChild>
          <Link to={`/templates/${template.name}`}>Cancel</Link>
        </Button>
        <Button type="submit" look="primary" pending={pending} disabled={blocked}>
          Create workspace
        </Button>
      </div>
    </form>
  );
}

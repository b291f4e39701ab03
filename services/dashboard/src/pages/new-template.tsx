import type { TemplateExample, TemplateVersion } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { FileStack, Upload } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { FleetError, isFleetError } from "../api/errors.js";
import { examplesQuery, templatesKey, variablesQuery, versionQuery } from "../api/templates.js";
import { organizationsQuery } from "../api/users.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { IconTile } from "../modules/icons/icon.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { importEnded, importTemplate, lacksVariables } from "../modules/templates/import.js";
import { TemplateNameField } from "../modules/templates/name-field.js";
import { VariableFields, variablesOf } from "../modules/templates/variables.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Badge, Empty, Page, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";

const TEMPLATES = { to: "/templates", label: "Templates" };
const NEW = { to: "/templates/new", label: "New template" };

/** `/templates/new?example=` or `?upload=true`: creates a template from a starter template or an archive. */
export function NewTemplatePage() {
  useTitle("New template");
  const [search] = useSearchParams();
  const examples = useQuery(examplesQuery);
  const chosen = examples.data?.find(({ id }) => id === search.get("example"));
  if (chosen) return <NewTemplate key={chosen.id} example={chosen} />;
  if (search.get("upload") === "true") return <NewTemplate />;
  return (
    <Page width="narrow">
      <PageHeader
        crumbs={[TEMPLATES]}
        title="New template"
        lead={
          <>
            Choose a starter template, upload an archive, or push your own with{" "}
            <code className="font-mono text-sm">coder templates push</code>.
          </>
        }
        actions={
          <Button asChild>
            <Link to="/templates/new?upload=true">
              <Upload aria-hidden />
              Upload
            </Link>
          </Button>
        }
      />
      <Loaded query={examples} skeleton={<SkeletonRows rows={3} />}>
        {(list) =>
          list.length === 0 ? (
            <Empty icon={<FileStack aria-hidden />} title="No starter templates" />
          ) : (
            <ul className="divide-y divide-line border-line border-y">
              {list.map((example) => (
                <ExampleRow key={example.id} example={example} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Page>
  );
}

function ExampleRow({ example }: { example: TemplateExample }) {
  return (
    <li className="relative flex items-center gap-3 px-2 py-3 transition-colors hover:bg-hover/50">
      <IconTile url={example.icon} hints={[example.id]} />
      <div className="min-w-0 flex-1">
        <Link
          to={`/templates/new?example=${example.id}`}
          className="rounded font-medium after:absolute after:inset-0"
        >
          {example.name}
        </Link>
        <p className="text-muted text-sm">{example.description}</p>
      </div>
      <span className="hidden gap-1 sm:flex">
        {example.tags.map((tag) => (
          <Badge key={tag}>{tag}</Badge>
        ))}
      </span>
    </li>
  );
}

/** From a starter template, or without one, from an archive that is uploaded. */
function NewTemplate({ example }: { example?: TemplateExample }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const organizations = useQuery(organizationsQuery).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id ?? "default";
  const [archive, setArchive] = useState<File>();
  const [version, setVersion] = useState<TemplateVersion>();
  const left = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    left.current = controller;
    return () => controller.abort();
  }, []);
  const form = useForm({
    check: () => ({ archive: example || archive ? undefined : "Choose an archive." }),
    async submit(values) {
      const { signal } = left.current;
      const name = values("name");
      await requireFreeName(organization, name);
      const begun = await importTemplate({
        organization,
        source: example ? { example: example.id } : { archive: archive! },
        variables: variablesOf(form.id),
      });
      setVersion(begun);
      const ended = await importEnded(begun.id, signal);
      if (signal.aborted) return;
      setVersion(ended);
      if (ended.job.status !== "succeeded") return;
      const template = await client.templateCreate({
        params: { organization },
        body: {
          name,
          display_name: values("display_name"),
          description: values("description"),
          icon: example?.icon ?? "",
          template_version_id: ended.id,
        },
      });
      await queries.invalidateQueries({ queryKey: templatesKey });
      await navigate(`/templates/${template.name}`);
    },
  });

  return (
    <Page width="narrow">
      <PageHeader
        crumbs={[TEMPLATES, NEW]}
        icon={example && <IconTile url={example.icon} hints={[example.id]} size={42} />}
        title={example?.name ?? "Upload a template"}
        lead={example?.description ?? "A zip or tar archive of Terraform files, with main.tf at its root."}
      />
      <Form form={form} className="flex flex-col gap-8">
        <FormSection title="General">
          {!example && (
            <Field name="archive" label="Archive">
              <input
                type="file"
                name="archive"
                aria-label="Archive"
                accept=".zip,.tar,application/zip,application/x-tar"
                onChange={({ target }) => {
                  setArchive(target.files?.[0]);
                  form.changed("archive");
                }}
                className="w-full text-sm file:mr-3 file:h-8 file:cursor-pointer file:rounded-md file:border file:border-line-strong file:border-solid file:bg-surface file:px-3 file:text-ink"
              />
            </Field>
          )}
          <TemplateNameField
            key={archive?.name ?? ""}
            organization={organization}
            defaultValue={example?.id ?? nameOf(archive)}
          />
          {organizations.length > 1 && (
            <Field name="organization" label="Organization">
              <Select
                value={organization}
                options={organizations.map(({ id, name, display_name }) => ({
                  value: id,
                  label: display_name || name,
                }))}
                onChange={setChosen}
              />
            </Field>
          )}
          <Field name="display_name" label="Display name" optional>
            <Input defaultValue={example?.name} maxLength={64} autoComplete="off" />
          </Field>
          <Field name="description" label="Description" optional>
            <Input defaultValue={example?.description} maxLength={128} autoComplete="off" />
          </Field>
        </FormSection>
        {version?.job.completed_at && <Variables version={version.id} />}
        {version && <ImportProgress version={version} />}
        <FormFailure />
        <div className="flex justify-end gap-2">
          <Button asChild>
            <Link to="/templates/new">Cancel</Link>
          </Button>
          <SubmitButton form={form}>
            {version && !form.pending ? "Try again" : "Create template"}
          </SubmitButton>
        </div>
      </Form>
      {example && (
        <FormSection title="About">
          <Markdown text={example.markdown} />
        </FormSection>
      )}
    </Page>
  );
}

/** "kubernetes-gpu" of "kubernetes_gpu.tar". */
function nameOf(archive: File | undefined): string {
  const stem = archive?.name.replace(/\.(?:zip|tar)$/i, "") ?? "";
  return stem.replace(/[^a-zA-Z0-9]+/g, "-").replace(/^-+|-+$/g, "");
}

/** Rejects a name that is in use before running an import. */
async function requireFreeName(organization: string, templateName: string): Promise<void> {
  const taken = await client.templateGetByName({ params: { organization, templateName } }).catch((error) => {
    if (isFleetError(error, "not_found")) return undefined;
    throw error;
  });
  if (!taken) return;
  const detail = `A template named "${templateName}" already exists.`;
  throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
}

/** Values for template variables, which apply to all workspaces. Known after the first import attempt. */
function Variables({ version }: { version: string }) {
  const variables = useQuery(variablesQuery(version)).data ?? [];
  if (variables.length === 0) return null;
  return (
    <FormSection title="Variables" lead="Set once for all workspaces of the template.">
      <VariableFields variables={variables} />
    </FormSection>
  );
}

function ImportProgress({ version }: { version: TemplateVersion }) {
  const fresh = useQuery({ ...versionQuery(version.id), initialData: version }).data;
  const ended = version.job.completed_at ? version : fresh;
  return (
    <>
      {ended.job.status === "failed" && (
        <Notice
          tone={lacksVariables(ended) ? "warn" : "bad"}
          title={lacksVariables(ended) ? "The template requires variables" : "The import failed"}
        >
          {lacksVariables(ended) ? "Set its variables above, then try again." : ended.job.error}
        </Notice>
      )}
      <FormSection
        title="Import"
        lead="The template is planned once to find its parameters and resources."
        table
      >
        <div className="overflow-hidden rounded-lg">
          <ImportLog version={ended} />
        </div>
      </FormSection>
    </>
  );
}

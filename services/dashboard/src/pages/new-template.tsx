import type { TemplateExample, TemplateVersion } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, FileStack } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { FleetError, isFleetError } from "../api/errors.js";
import { examplesQuery, templatesKey, variablesQuery, versionQuery } from "../api/templates.js";
import { organizationsQuery } from "../api/users.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { IconTile } from "../modules/icons/icon.js";
import { Markdown } from "../modules/markdown/markdown.js";
import { importEnded, importExample, lacksVariables } from "../modules/templates/import.js";
import { TemplateNameField } from "../modules/templates/name-field.js";
import { VariableFields, variablesOf } from "../modules/templates/variables.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Badge, Card, Empty, PageHeader, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";

/** `/templates/new?example=`: creates a template from a starter template. */
export function NewTemplatePage() {
  useTitle("New template");
  const [search] = useSearchParams();
  const examples = useQuery(examplesQuery);
  const chosen = examples.data?.find(({ id }) => id === search.get("example"));
  return (
    <div className="mx-auto flex max-w-3xl flex-col gap-5">
      <Link
        to={chosen ? "/templates/new" : "/templates"}
        className="-mb-2 flex w-fit items-center gap-1.5 rounded text-muted text-sm hover:text-ink"
      >
        <ArrowLeft className="size-3.5" aria-hidden />
        {chosen ? "Starter templates" : "Templates"}
      </Link>
      {chosen ? (
        <FromExample example={chosen} />
      ) : (
        <>
          <PageHeader
            title="New template"
            lead={
              <>
                Start from a starter template, or push your own with{" "}
                <code className="font-mono text-sm">coder templates push</code>.
              </>
            }
          />
          <Card>
            <Loaded query={examples} skeleton={<SkeletonRows rows={3} />} padded>
              {(list) =>
                list.length === 0 ? (
                  <Empty icon={<FileStack aria-hidden />} title="No starter templates" />
                ) : (
                  <ul className="divide-y divide-line">
                    {list.map((example) => (
                      <ExampleRow key={example.id} example={example} />
                    ))}
                  </ul>
                )
              }
            </Loaded>
          </Card>
        </>
      )}
    </div>
  );
}

function ExampleRow({ example }: { example: TemplateExample }) {
  return (
    <li className="relative flex items-center gap-3 px-4 py-3 transition-colors hover:bg-hover/50 sm:px-5">
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

function FromExample({ example }: { example: TemplateExample }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const organization =
    useQuery(organizationsQuery).data?.find(({ is_default }) => is_default)?.id ?? "default";
  const [version, setVersion] = useState<TemplateVersion>();
  const left = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    left.current = controller;
    return () => controller.abort();
  }, []);
  const form = useForm({
    async submit(values) {
      const { signal } = left.current;
      const name = values("name");
      await requireFreeName(organization, name);
      const begun = await importExample({
        organization,
        example: example.id,
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
          icon: example.icon,
          template_version_id: ended.id,
        },
      });
      await queries.invalidateQueries({ queryKey: templatesKey });
      await navigate(`/templates/${template.name}`);
    },
  });

  return (
    <>
      <PageHeader
        icon={<IconTile url={example.icon} hints={[example.id]} size={42} />}
        title={example.name}
        lead={example.description}
      />
      <Form form={form} className="flex flex-col gap-5">
        <Section title="General">
          <div className="flex flex-col gap-5">
            <TemplateNameField organization={organization} defaultValue={example.id} />
            <Field name="display_name" label="Display name" optional>
              <Input defaultValue={example.name} maxLength={64} autoComplete="off" />
            </Field>
            <Field name="description" label="Description" optional>
              <Input defaultValue={example.description} maxLength={128} autoComplete="off" />
            </Field>
          </div>
        </Section>
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
      <Section title="About">
        <Markdown text={example.markdown} />
      </Section>
    </>
  );
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
    <Section title="Variables" lead="Set once for all workspaces of the template.">
      <div className="flex flex-col gap-5">
        <VariableFields variables={variables} />
      </div>
    </Section>
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
      <div className="overflow-hidden rounded-xl">
        <Section
          title="Import"
          lead="The template is planned once to find its parameters and resources."
          flush
        >
          <ImportLog version={ended} />
        </Section>
      </div>
    </>
  );
}

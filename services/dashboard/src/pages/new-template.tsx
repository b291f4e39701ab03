import type { NameValue, TemplateExample, TemplateVersion } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, FileStack } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { Link, useNavigate, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { examplesQuery, templatesKey, variablesQuery, versionQuery } from "../api/templates.js";
import { organizationsQuery } from "../api/users.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { IconTile } from "../modules/icons/icon.js";
import { InlineMarkdown, Markdown } from "../modules/markdown/markdown.js";
import { importEnded, importExample, lacksVariables } from "../modules/templates/import.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice, Notice } from "../modules/ui/notice.js";
import { Badge, Card, Empty, PageHeader, Section, SkeletonRows, useTitle } from "../modules/ui/page.js";

/** `/templates/new?example=`: a template from one of the starters. */
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
        {chosen ? "Starters" : "Templates"}
      </Link>
      {examples.isError && <ErrorNotice error={examples.error} onRetry={() => void examples.refetch()} />}
      {chosen ? (
        <FromExample example={chosen} />
      ) : (
        <>
          <PageHeader
            title="New template"
            lead={
              <>
                Begin with a starter, or push your own Terraform with{" "}
                <code className="font-mono text-sm">coder templates push</code>.
              </>
            }
          />
          <Card>
            {examples.isPending && <SkeletonRows rows={3} />}
            {examples.data?.length === 0 && (
              <Empty icon={<FileStack aria-hidden />} title="No starters are installed" />
            )}
            <ul className="divide-y divide-line">
              {examples.data?.map((example) => (
                <ExampleRow key={example.id} example={example} />
              ))}
            </ul>
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
  const organizations = useQuery(organizationsQuery);
  const [version, setVersion] = useState<TemplateVersion>();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const left = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    left.current = controller;
    return () => controller.abort();
  }, []);
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    const variables: NameValue[] = [...form.keys()]
      .filter((key) => key.startsWith(VARIABLE_PREFIX) && text(key) !== "")
      .map((key) => ({ name: key.slice(VARIABLE_PREFIX.length), value: text(key) }));
    const organization = organizations.data?.find(({ is_default }) => is_default)?.id ?? "default";
    const { signal } = left.current;
    setPending(true);
    setError(undefined);
    try {
      const begun = await importExample({ organization, example: example.id, variables });
      setVersion(begun);
      const ended = await importEnded(begun.id, signal);
      setVersion(ended);
      if (ended.job.status !== "succeeded") return;
      const template = await client.templateCreate({
        params: { organization },
        body: {
          name: text("name"),
          display_name: text("display_name"),
          description: text("description"),
          icon: example.icon,
          template_version_id: ended.id,
        },
      });
      await queries.invalidateQueries({ queryKey: templatesKey });
      await navigate(`/templates/${template.name}`);
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <>
      <PageHeader
        icon={<IconTile url={example.icon} hints={[example.id]} size={42} />}
        title={example.name}
        lead={example.description}
      />
      <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-5">
        <Section title="General">
          <div className="flex flex-col gap-5">
            <Field label="Name" error={fields.name} description="It is part of the template's address.">
              <Input
                name="name"
                required
                autoFocus
                defaultValue={example.id}
                maxLength={32}
                pattern="[a-zA-Z0-9]+([_\-][a-zA-Z0-9]+)*"
                title="Letters, digits and single hyphens"
                autoComplete="off"
              />
            </Field>
            <Field label="Display name" optional error={fields.display_name}>
              <Input name="display_name" defaultValue={example.name} maxLength={64} autoComplete="off" />
            </Field>
            <Field label="Description" optional error={fields.description}>
              <Input
                name="description"
                defaultValue={example.description}
                maxLength={128}
                autoComplete="off"
              />
            </Field>
          </div>
        </Section>
        {version?.job.completed_at && <Variables version={version.id} />}
        {version && <ImportProgress version={version} />}
        {error !== undefined && <ErrorNotice error={error} />}
        <div className="flex justify-end gap-2">
          <Button asChild>
            <Link to="/templates/new">Cancel</Link>
          </Button>
          <Button type="submit" look="primary" pending={pending}>
            {version && !pending ? "Try again" : "Create template"}
          </Button>
        </div>
      </form>
      <Section title="About">
        <Markdown text={example.markdown} />
      </Section>
    </>
  );
}

const VARIABLE_PREFIX = "variable.";

/** What the operator sets once for all workspaces: known after a first import. */
function Variables({ version }: { version: string }) {
  const variables = useQuery(variablesQuery(version)).data ?? [];
  if (variables.length === 0) return null;
  return (
    <Section title="Variables" lead="Set once, for every workspace of the template.">
      <div className="flex flex-col gap-5">
        {variables.map((variable) => (
          <Field
            key={variable.name}
            label={variable.name}
            optional={!variable.required}
            description={variable.description && <InlineMarkdown text={variable.description} />}
          >
            <Input
              name={`${VARIABLE_PREFIX}${variable.name}`}
              type={variable.sensitive ? "password" : "text"}
              required={variable.required && variable.value === ""}
              defaultValue={variable.sensitive ? "" : variable.value}
              placeholder={variable.default_value}
              autoComplete="off"
            />
          </Field>
        ))}
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
          title={lacksVariables(ended) ? "The template needs values" : "The import failed"}
        >
          {lacksVariables(ended) ? "Fill its variables in above, then try again." : ended.job.error}
        </Notice>
      )}
      <div className="overflow-hidden rounded-xl">
        <Section title="Import" lead="The template is planned once, to learn what it makes." flush>
          <ImportLog version={ended} />
        </Section>
      </div>
    </>
  );
}

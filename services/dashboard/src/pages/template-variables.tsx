import type { TemplateVersion, TemplateVersionVariable } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Variable } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { variablesQuery, versionQuery } from "../api/templates.js";
import { ImportLog } from "../modules/builds/build-log.js";
import { SaveBar, useTemplate } from "../modules/templates/form.js";
import { importEnded } from "../modules/templates/import.js";
import { VariableFields, variablesOf } from "../modules/templates/variables.js";
import { Form, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { Empty, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";

/** `/templates/:template/settings/variables`: values of the Terraform variables, which hold for all workspaces. */
export function TemplateVariablesPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} variables`);
  const active = useQuery(versionQuery(template.active_version_id));
  const variables = useQuery(variablesQuery(template.active_version_id));
  return (
    <Loaded query={active}>
      {(version) => (
        <Loaded query={variables}>
          {(list) =>
            list.length === 0 ? (
              <Empty icon={<Variable aria-hidden />} title="No variables">
                The active version has no Terraform variables.
              </Empty>
            ) : (
              <VariablesForm key={version.id} version={version} variables={list} />
            )
          }
        </Loaded>
      )}
    </Loaded>
  );
}

function VariablesForm(props: { version: TemplateVersion; variables: TemplateVersionVariable[] }) {
  const { version, variables } = props;
  const template = useTemplate();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [made, setMade] = useState<TemplateVersion>();
  const left = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    left.current = controller;
    return () => controller.abort();
  }, []);
  const form = useForm({
    async submit() {
      const { signal } = left.current;
      const begun = await client.templateVersionCreate({
        params: { organization: template.organization_id },
        body: {
          template_id: template.id,
          file_id: version.job.file_id,
          storage_method: "file",
          provisioner: "terraform",
          message: `Variables of ${version.name} changed.`,
          user_variable_values: variablesOf(form.id),
        },
      });
      setMade(begun);
      const ended = await importEnded(begun.id, signal);
      if (signal.aborted) return;
      setMade(ended);
      await queries.invalidateQueries({ queryKey: ["versions", template.id] });
      if (ended.job.status !== "succeeded") return;
      await client.templateVersionPromote({ params: { template: template.id }, body: { id: ended.id } });
      toasts.done(`Version ${ended.name} is active.`);
      await queries.invalidateQueries({ queryKey: ["template", template.name] });
    },
  });
  return (
    <Form form={form} className="flex max-w-2xl flex-col gap-6">
      <FormSection
        title="Variables"
        lead="Values for all workspaces of the template. Saving imports a new version and activates it; running workspaces are offered an update."
      >
        <VariableFields variables={variables} kept />
      </FormSection>
      {made?.job.status === "failed" && (
        <Notice tone="bad" title="The import failed">
          {made.job.error} The active version has not changed.{" "}
          <Link to={`/templates/${template.name}/versions/${made.name}`} className="underline">
            View {made.name}
          </Link>
        </Notice>
      )}
      {made && made.job.status !== "succeeded" && <ImportLog version={made} />}
      <SaveBar form={form}>Save and activate</SaveBar>
    </Form>
  );
}

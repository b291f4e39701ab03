import type { Template, TemplateVersion } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { client } from "../../api/client.js";
import { Field, Input, Textarea } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";

/** Changes a version's name and message. */
export function EditVersion(props: { template: Template; version: TemplateVersion; onClose(): void }) {
  const { template, version, onClose } = props;
  const queries = useQueryClient();
  const form = useForm({
    async submit(values) {
      await client.templateVersionUpdate({
        params: { version: version.id },
        body: { name: values("name"), message: values("message") },
      });
      await queries.invalidateQueries({ queryKey: ["versions", template.id] });
      onClose();
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title={`Edit ${version.name}`} action="Save">
      <Field name="name" label="Name">
        <Input required defaultValue={version.name} maxLength={64} autoComplete="off" spellCheck={false} />
      </Field>
      <Field name="message" label="Message" optional description="What the version changes. Markdown.">
        <Textarea defaultValue={version.message} maxLength={1_048_576} />
      </Field>
    </FormDialog>
  );
}

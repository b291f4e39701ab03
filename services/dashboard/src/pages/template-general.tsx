import type { DataLossPolicy, ShareLevel } from "@fleet/sdk";
import { useState } from "react";
import { Icon } from "../modules/icons/icon.js";
import { SaveBar, useSaveTemplate, useTemplate } from "../modules/templates/form.js";
import { TemplateNameField } from "../modules/templates/name-field.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Field, Input, Textarea } from "../modules/ui/field.js";
import { Form, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";

const SHARE_LEVELS = [
  { value: "owner", label: "Only the owner" },
  { value: "organization", label: "Members of the organization" },
  { value: "authenticated", label: "All signed-in users" },
  { value: "public", label: "Everyone" },
];
const CORS = [
  { value: "simple", label: "Same user only", description: "The platform answers cross-origin requests." },
  { value: "passthru", label: "Each app decides", description: "The app's own CORS headers are passed on." },
];
const DATA_LOSS = [
  { value: "off", label: "Build without asking" },
  { value: "ask", label: "Ask the user", description: "The build waits until its user accepts." },
  {
    value: "deny",
    label: "Refuse",
    description: "The build fails unless a template administrator accepts.",
  },
];

/** `/templates/:template/settings`: name, appearance and what its workspaces may do. */
export function TemplateGeneralPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} settings`);
  const save = useSaveTemplate(template);
  const [icon, setIcon] = useState(template.icon);
  const [share, setShare] = useState<string>(template.max_port_share_level);
  const [cors, setCors] = useState<string>(template.cors_behavior ?? "simple");
  const [dataLoss, setDataLoss] = useState<string>(template.data_loss_policy ?? "off");
  const [cancel, setCancel] = useState(template.allow_user_cancel_workspace_jobs);
  const [requireActive, setRequireActive] = useState(template.require_active_version);
  const [classic, setClassic] = useState(template.use_classic_parameter_flow ?? false);
  const form = useForm({
    submit: (values) =>
      save({
        name: values("name"),
        display_name: values("display_name"),
        description: values("description"),
        icon,
        deprecation_message: values("deprecation_message"),
        max_port_share_level: share as ShareLevel,
        cors_behavior: cors as "simple" | "passthru",
        data_loss_policy: dataLoss as DataLossPolicy,
        allow_user_cancel_workspace_jobs: cancel,
        require_active_version: requireActive,
        use_classic_parameter_flow: classic,
      }),
  });
  return (
    <Form form={form} className="flex max-w-2xl flex-col gap-8">
      <FormSection title="General">
        <TemplateNameField
          organization={template.organization_id}
          defaultValue={template.name}
          own={template.name}
          description="Part of the template's URL. Links with the old name stop working."
        />
        <Field name="display_name" label="Display name" optional>
          <Input defaultValue={template.display_name} maxLength={64} autoComplete="off" />
        </Field>
        <Field name="description" label="Description" optional>
          <Input defaultValue={template.description} maxLength={128} autoComplete="off" />
        </Field>
        <Field
          name="icon"
          label="Icon"
          optional
          description="A path such as /icon/docker.svg or /emojis/1f433.png, or the URL of an image."
        >
          <div className="flex items-center gap-2">
            <span className="flex size-8.5 shrink-0 items-center justify-center text-muted">
              <Icon key={icon} url={icon} hints={[template.name]} size={22} />
            </span>
            <Input
              value={icon}
              onChange={({ target }) => setIcon(target.value)}
              maxLength={256}
              autoComplete="off"
              spellCheck={false}
              className="font-mono text-sm!"
            />
          </div>
        </Field>
      </FormSection>
      <FormSection title="Workspaces">
        <SwitchSetting checked={requireActive} onChange={setRequireActive} title="Require the active version">
          Workspaces update when they start. Template administrators can still start other versions.
        </SwitchSetting>
        <SwitchSetting checked={cancel} onChange={setCancel} title="Allow users to cancel builds">
          Canceling may leave resources behind.
        </SwitchSetting>
        <SwitchSetting checked={classic} onChange={setClassic} title="Use classic parameters">
          The form does not react to the values that are entered. For templates that the dynamic form does not
          support.
        </SwitchSetting>
        <Field name="data_loss_policy" label="Builds that would destroy data">
          <Select value={dataLoss} options={DATA_LOSS} onChange={setDataLoss} />
        </Field>
        <Field
          name="max_port_share_level"
          label="Ports can be shared with"
          description="The widest audience that users may choose for a port."
        >
          <Select value={share} options={SHARE_LEVELS} onChange={setShare} />
        </Field>
        <Field name="cors_behavior" label="Cross-origin requests to apps">
          <Select value={cors} options={CORS} onChange={setCors} />
        </Field>
      </FormSection>
      <FormSection title="Deprecation">
        <Field
          name="deprecation_message"
          label="Message"
          optional
          description="Deprecates the template: no new workspaces. Say which one to use instead. Markdown."
        >
          <Textarea defaultValue={template.deprecation_message} rows={2} />
        </Field>
      </FormSection>
      <SaveBar form={form} />
    </Form>
  );
}

import type { Organization } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { organizationPermissionsQuery, organizationRolesQuery, sharingSettingsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { useOrganization } from "../modules/admin/organization.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Button } from "../modules/ui/button.js";
import { Checkbox } from "../modules/ui/choice.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Notice } from "../modules/ui/notice.js";
import { useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { useToasts } from "../modules/ui/toast.js";

/** `/organizations/:organization/settings`. */
export function OrganizationSettingsPage() {
  const organization = useOrganization();
  useTitle(`${organization.display_name || organization.name} settings`);
  const may = useQuery(organizationPermissionsQuery(organization.id)).data;
  return (
    <Allowed allowed={may?.update}>
      <div className="flex max-w-2xl flex-col gap-10">
        <General organization={organization} />
        <Sharing organization={organization} />
        {may?.delete && !organization.is_default && <Danger organization={organization} />}
      </div>
    </Allowed>
  );
}

function General({ organization }: { organization: Organization }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const navigate = useNavigate();
  const roles = useQuery(organizationRolesQuery(organization.id));
  const [defaults, setDefaults] = useState<ReadonlySet<string>>(
    () => new Set(organization.default_org_member_roles),
  );
  const form = useForm({
    async submit(values) {
      const { name } = await client.organizationUpdate({
        params: { organization: organization.id },
        body: {
          name: values("name"),
          display_name: values("display_name"),
          description: values("description"),
          default_org_member_roles: [...defaults],
        },
      });
      if (name !== organization.name) await navigate(`/organizations/${name}/settings`, { replace: true });
      await queries.invalidateQueries({ queryKey: ["organizations"] });
      toasts.done("Settings saved.");
    },
  });
  return (
    <Form form={form} className="flex flex-col gap-5">
      <FormSection title="General">
        <Field name="name" label="Name" description="Part of URLs and commands.">
          <Input
            required
            defaultValue={organization.name}
            maxLength={32}
            pattern={NAME_PATTERN}
            title={NAME_RULE}
            autoComplete="off"
            spellCheck={false}
          />
        </Field>
        <Field name="display_name" label="Display name" optional>
          <Input defaultValue={organization.display_name} maxLength={64} autoComplete="off" />
        </Field>
        <Field name="description" label="Description" optional>
          <Input defaultValue={organization.description} maxLength={128} autoComplete="off" />
        </Field>
        <Field
          name="default_org_member_roles"
          label="Default roles"
          group
          description="Every member has these, besides their own."
        >
          <Loaded query={roles}>
            {(all) =>
              all
                .filter(({ name }) => name !== "organization-member")
                .map(({ name, display_name }) => (
                  <Checkbox
                    key={name}
                    checked={defaults.has(name)}
                    onChange={(on) => {
                      const next = new Set(defaults);
                      if (on) next.add(name);
                      else next.delete(name);
                      setDefaults(next);
                    }}
                  >
                    {display_name || name}
                  </Checkbox>
                ))
            }
          </Loaded>
        </Field>
      </FormSection>
      <FormFailure />
      <div>
        <SubmitButton form={form}>Save</SubmitButton>
      </div>
    </Form>
  );
}

const SHARERS = [
  { value: "everyone", label: "Every member" },
  { value: "service_accounts", label: "Service accounts only" },
  { value: "none", label: "Nobody" },
] as const;
type Sharers = (typeof SHARERS)[number]["value"];

function Sharing({ organization }: { organization: Organization }) {
  const queries = useQueryClient();
  const settings = useQuery(sharingSettingsQuery(organization.id));
  const [chosen, setChosen] = useState<Sharers>();
  const params = { organization: organization.id };
  return (
    <FormSection title="Workspace sharing">
      <Loaded query={settings}>
        {({ shareable_workspace_owners: current, sharing_globally_disabled }) =>
          sharing_globally_disabled ? (
            <Notice>
              Sharing is disabled for the deployment (<code>CODER_DISABLE_WORKSPACE_SHARING</code>).
            </Notice>
          ) : (
            <>
              <Field label="Who can share their workspaces">
                <Select
                  value={current}
                  options={SHARERS}
                  onChange={(value) => value !== current && setChosen(value as Sharers)}
                />
              </Field>
              <Confirm
                open={chosen !== undefined}
                onClose={() => setChosen(undefined)}
                danger={chosen !== "everyone"}
                title="Change who can share workspaces?"
                description={
                  chosen === "everyone"
                    ? "Members can share their workspaces with other members and groups."
                    : "Existing shares that this excludes are removed, and connections that use them end."
                }
                action="Change sharing"
                onConfirm={async () => {
                  await client.workspaceSharingSettingsUpdate({
                    params,
                    body: { shareable_workspace_owners: chosen },
                  });
                  await queries.invalidateQueries({
                    queryKey: sharingSettingsQuery(organization.id).queryKey,
                  });
                }}
              />
            </>
          )
        }
      </Loaded>
    </FormSection>
  );
}

function Danger({ organization }: { organization: Organization }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  return (
    <FormSection title="Delete organization" lead="Only an empty organization can be deleted.">
      <div>
        <Button onClick={() => setAsking(true)}>Delete organization…</Button>
      </div>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={`Delete ${organization.display_name || organization.name}?`}
        description="Delete its workspaces and templates first. This cannot be undone."
        action="Delete organization"
        typeToConfirm={organization.name}
        onConfirm={async () => {
          await client.organizationDelete({ params: { organization: organization.id } });
          await navigate("/organizations");
          await queries.invalidateQueries({ queryKey: ["organizations"] });
        }}
      />
    </FormSection>
  );
}

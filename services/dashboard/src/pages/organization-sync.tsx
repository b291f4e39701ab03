import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import {
  groupSyncQuery,
  groupsQuery,
  organizationPermissionsQuery,
  organizationRolesQuery,
  roleSyncQuery,
} from "../api/admin.js";
import { client } from "../api/client.js";
import { useOrganization } from "../modules/admin/organization.js";
import { type Mapping, SyncForm } from "../modules/admin/sync-form.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Loaded } from "../modules/ui/loaded.js";
import { useTitle } from "../modules/ui/page.js";

/** `/organizations/:organization/idp-sync`: how groups and roles follow the identity provider. */
export function OrganizationSyncPage() {
  const organization = useOrganization();
  useTitle(`${organization.display_name || organization.name} IdP sync`);
  const may = useQuery(organizationPermissionsQuery(organization.id)).data;
  return (
    <Allowed allowed={may?.readSync}>
      <div className="flex max-w-3xl flex-col gap-10">
        <Groups disabled={!may?.updateSync} />
        <Roles disabled={!may?.updateSync} />
      </div>
    </Allowed>
  );
}

function Groups({ disabled }: { disabled: boolean }) {
  const { id } = useOrganization();
  const sync = useQuery(groupSyncQuery(id));
  const groups = (useQuery(groupsQuery).data ?? []).filter(
    (group) => group.organization_id === id && group.id !== id,
  );
  return (
    <Loaded query={sync}>
      {(settings) => (
        <GroupForm
          key={JSON.stringify(settings)}
          settings={settings}
          disabled={disabled}
          targets={groups.map(({ id: value, name, display_name }) => ({
            value,
            label: display_name || name,
          }))}
        />
      )}
    </Loaded>
  );
}

function GroupForm(props: {
  settings: {
    field: string;
    mapping: Mapping;
    regex_filter: string | null;
    auto_create_missing_groups: boolean;
  };
  targets: { value: string; label: string }[];
  disabled: boolean;
}) {
  const { settings, targets, disabled } = props;
  const { id } = useOrganization();
  const queries = useQueryClient();
  const [create, setCreate] = useState(settings.auto_create_missing_groups);
  return (
    <SyncForm
      title="Groups"
      lead="Members are in the groups that their claim names, from their next sign-in. Others are removed."
      gets="Group"
      field={settings.field}
      mapping={settings.mapping}
      targets={targets}
      disabled={disabled}
      onSave={async ({ field, mapping, values }) => {
        await client.groupSyncUpdate({
          params: { organization: id },
          body: {
            field,
            mapping,
            regex_filter: values("regex_filter") || null,
            auto_create_missing_groups: create,
          },
        });
        await queries.invalidateQueries({ queryKey: groupSyncQuery(id).queryKey });
      }}
    >
      <Field
        name="regex_filter"
        label="Only values that match"
        optional
        description="A regular expression (RE2), such as ^coder-"
      >
        <Input
          defaultValue={settings.regex_filter ?? ""}
          disabled={disabled}
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <SwitchSetting checked={create} onChange={setCreate} disabled={disabled} title="Create missing groups">
        A value without a mapping is the name of a group; one that does not exist is created.
      </SwitchSetting>
    </SyncForm>
  );
}

function Roles({ disabled }: { disabled: boolean }) {
  const { id } = useOrganization();
  const queries = useQueryClient();
  const sync = useQuery(roleSyncQuery(id));
  const roles = useQuery(organizationRolesQuery(id)).data ?? [];
  return (
    <Loaded query={sync}>
      {(settings) => (
        <SyncForm
          key={JSON.stringify(settings)}
          title="Roles"
          lead="Members have the roles that their claim names, from their next sign-in. Others are removed."
          gets="Role"
          field={settings.field}
          mapping={settings.mapping}
          targets={roles.map(({ name, display_name }) => ({ value: name, label: display_name || name }))}
          disabled={disabled}
          onSave={async ({ field, mapping }) => {
            await client.roleSyncUpdate({ params: { organization: id }, body: { field, mapping } });
            await queries.invalidateQueries({ queryKey: roleSyncQuery(id).queryKey });
          }}
        />
      )}
    </Loaded>
  );
}

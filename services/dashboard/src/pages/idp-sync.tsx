import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { organizationSyncQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { organizationsQuery } from "../api/users.js";
import { type Mapping, SyncForm } from "../modules/admin/sync-form.js";
import { usePermissions } from "../modules/session/session.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";

/** `/deployment/idp-sync`: which organizations users are in, by the claims of the identity provider. */
export function IdpSyncPage() {
  useTitle("IdP sync");
  return (
    <Allowed allowed={usePermissions().readSync}>
      <Settings />
    </Allowed>
  );
}

function Settings() {
  const sync = useQuery(organizationSyncQuery);
  const organizations = useQuery(organizationsQuery).data ?? [];
  return (
    <Page width="narrow">
      <PageHeader
        title="IdP sync"
        lead={
          <>
            Organizations follow the identity provider here; groups and roles in each{" "}
            <Link to="/organizations" className="text-accent underline">
              organization
            </Link>
            .
          </>
        }
      />
      <Loaded query={sync}>
        {(settings) => (
          <OrganizationForm
            key={JSON.stringify(settings)}
            settings={settings}
            targets={organizations.map(({ id, name, display_name }) => ({
              value: id,
              label: display_name || name,
            }))}
          />
        )}
      </Loaded>
    </Page>
  );
}

function OrganizationForm(props: {
  settings: { field: string; mapping: Mapping; organization_assign_default: boolean };
  targets: { value: string; label: string }[];
}) {
  const { settings, targets } = props;
  const queries = useQueryClient();
  const disabled = !usePermissions().updateConfig;
  const [everyone, setEveryone] = useState(settings.organization_assign_default);
  return (
    <SyncForm
      title="Organizations"
      lead="Users are in the organizations that their claim names, from their next sign-in."
      gets="Organization"
      field={settings.field}
      mapping={settings.mapping}
      targets={targets}
      disabled={disabled}
      onSave={async ({ field, mapping }) => {
        await client.organizationSyncUpdate({
          body: { field, mapping, organization_assign_default: everyone },
        });
        await queries.invalidateQueries({ queryKey: organizationSyncQuery.queryKey });
      }}
    >
      <SwitchSetting
        checked={everyone}
        onChange={setEveryone}
        disabled={disabled}
        title="Everybody is in the default organization"
      >
        Whatever their claims say.
      </SwitchSetting>
    </SyncForm>
  );
}

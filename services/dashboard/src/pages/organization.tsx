import type { Organization } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { Outlet, useParams } from "react-router";
import { organizationPermissionsQuery, organizationQuery } from "../api/admin.js";
import { isFleetError } from "../api/errors.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Page, PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";
import { Tabs } from "../modules/ui/section-nav.js";
import { NotFoundPage } from "./not-found.js";

/** `/organizations/:organization` and below. */
export function OrganizationPage() {
  const { organization: name = "" } = useParams();
  const organization = useQuery(organizationQuery(name));
  useTitle(organization.data?.display_name || name);
  if (isFleetError(organization.error, "not_found")) return <NotFoundPage />;
  return (
    <Loaded query={organization} skeleton={<Skeleton className="h-64 w-full rounded-xl" />}>
      {(found) => <LoadedOrganization key={found.id} organization={found} />}
    </Loaded>
  );
}

function LoadedOrganization({ organization }: { organization: Organization }) {
  const may = useQuery(organizationPermissionsQuery(organization.id)).data;
  const base = `/organizations/${organization.name}`;
  return (
    <Page>
      <PageHeader
        crumbs={[{ to: "/organizations", label: "Organizations" }]}
        title={organization.display_name || organization.name}
        lead={organization.description}
      />
      <Tabs
        label="Organization"
        tabs={[
          { to: `${base}/members`, label: "Members" },
          { to: `${base}/roles`, label: "Roles" },
          { to: `${base}/quotas`, label: "Quotas" },
          ...(may?.readSync ? [{ to: `${base}/idp-sync`, label: "IdP sync" }] : []),
          ...(may?.update ? [{ to: `${base}/settings`, label: "Settings" }] : []),
        ]}
      />
      <Outlet context={organization} />
    </Page>
  );
}

import { useQuery } from "@tanstack/react-query";
import { BadgeCheck } from "lucide-react";
import { entitlementsQuery } from "../api/admin.js";
import { usePermissions } from "../modules/session/session.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Notice } from "../modules/ui/notice.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";

/** Words that are not written as a name otherwise. */
const WORDS: Record<string, string> = { rbac: "RBAC", scim: "SCIM", ai: "AI", api: "API", idp: "IdP" };

function titleOf(name: string): string {
  const words = name.split("_").map((word) => WORDS[word] ?? word);
  return words.join(" ").replace(/^./, (letter) => letter.toUpperCase());
}

/** `/deployment/licenses`: that none are needed, and what this release has. */
export function LicensesPage() {
  useTitle("Licenses");
  const features = useQuery(entitlementsQuery);
  return (
    <Allowed allowed={usePermissions().readLicenses}>
      <Page>
        <PageHeader title="Licenses" />
        <Notice title="No license is needed">
          Every feature is included, for any number of users. Nothing expires.
        </Notice>
        <Table
          label="Features"
          rows={features.data && Object.entries(features.data)}
          keyOf={([name]) => name}
          error={features.error}
          onRetry={() => void features.refetch()}
          rowPx={40}
          empty={<Empty icon={<BadgeCheck aria-hidden />} title="No features" />}
          columns={[
            {
              id: "name",
              title: "Feature",
              width: "minmax(0, 1fr)",
              sort: ([name]) => name,
              cell: ([name]) => titleOf(name),
            },
            {
              id: "state",
              title: "Status",
              width: "8rem",
              sort: ([, { enabled }]) => Number(enabled),
              cell: ([, { enabled }]) => (
                <Pill tone={enabled ? "ok" : "idle"}>{enabled ? "Enabled" : "Not in use"}</Pill>
              ),
            },
          ]}
        />
      </Page>
    </Allowed>
  );
}

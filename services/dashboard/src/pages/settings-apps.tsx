import type { OAuth2ProviderApp } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { AppWindow } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { grantedAppsQuery } from "../api/users.js";
import { Icon } from "../modules/icons/icon.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";

/** `/settings/apps`: programs that act for the user. */
export function AuthorizedAppsPage() {
  useTitle("Authorized apps");
  const apps = useQuery(grantedAppsQuery);
  const queries = useQueryClient();
  const [revoked, setRevoked] = useState<OAuth2ProviderApp>();
  return (
    <Page>
      <PageHeader title="Authorized apps" lead="Programs that you allowed to act for you." />
      <Table
        label="Authorized apps"
        rows={apps.data}
        keyOf={({ id }) => id}
        error={apps.error}
        onRetry={() => void apps.refetch()}
        empty={<Empty icon={<AppWindow aria-hidden />} title="No authorized apps" />}
        columns={[
          {
            id: "name",
            title: "App",
            width: "minmax(0, 1fr)",
            cell: ({ name, icon, dynamically_registered }) => (
              <span className="flex items-center gap-2.5">
                <Icon url={icon} hints={["web"]} />
                <span className="truncate font-medium">{name}</span>
                {dynamically_registered && <Badge>Self-registered</Badge>}
              </span>
            ),
          },
          {
            id: "scope",
            title: "May do",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ scope }) =>
              scope ? (
                <span className="block truncate font-mono text-sm" title={scope}>
                  {scope}
                </span>
              ) : (
                "What you allowed"
              ),
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "5.5rem",
            cell: (app) => (
              <Button size="sm" look="ghost" onClick={() => setRevoked(app)}>
                Revoke…
              </Button>
            ),
          },
        ]}
      />
      <Confirm
        open={revoked !== undefined}
        onClose={() => setRevoked(undefined)}
        danger
        title={`Revoke the access of ${revoked?.name}?`}
        description="It can no longer act for you, and what it created with its access ends."
        action="Revoke access"
        onConfirm={async () => {
          await client.oauth2TokensRevoke({ query: { client_id: revoked!.id } });
          await queries.invalidateQueries({ queryKey: grantedAppsQuery.queryKey });
        }}
      />
    </Page>
  );
}

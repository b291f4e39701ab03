import type { ExternalAuthProvider } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2 } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { client } from "../api/client.js";
import { externalAuthListQuery } from "../api/users.js";
import { Icon } from "../modules/icons/icon.js";
import { Button } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";
import { useToasts } from "../modules/ui/toast.js";

/** `/settings/external-auth`: services whose tokens the user's workspaces use. */
export function ExternalAuthSettingsPage() {
  useTitle("External authentication");
  const list = useQuery(externalAuthListQuery);
  const queries = useQueryClient();
  const toasts = useToasts();
  const [leaving, setLeaving] = useState<ExternalAuthProvider>();
  const linkOf = ({ id }: ExternalAuthProvider) =>
    list.data?.links.find(({ provider_id }) => provider_id === id);
  return (
    <Page>
      <PageHeader
        title="External authentication"
        lead="Services that your workspaces use on your behalf, such as Git servers."
      />
      <Table
        label="Services"
        rows={list.data?.providers}
        keyOf={({ id }) => id}
        error={list.error}
        onRetry={() => void list.refetch()}
        empty={
          <Empty icon={<Link2 aria-hidden />} title="No services">
            Your administrator has not set up any.
          </Empty>
        }
        columns={[
          {
            id: "name",
            title: "Service",
            width: "minmax(0, 1fr)",
            cell: ({ id, display_name, display_icon, type }) => (
              <span className="flex items-center gap-2.5">
                <Icon url={display_icon} hints={[type]} />
                <span className="truncate font-medium">{display_name || id}</span>
              </span>
            ),
          },
          {
            id: "state",
            title: "Status",
            width: "minmax(0, 1fr)",
            cell: (provider) => {
              const link = linkOf(provider);
              if (!link) return <Pill tone="idle">Not signed in</Pill>;
              return link.authenticated ? (
                <Pill tone="ok">Signed in</Pill>
              ) : (
                <span className="block min-w-0">
                  <Pill tone="warn">Sign in again</Pill>
                  <span className="block truncate text-muted text-sm" title={link.validate_error}>
                    {link.validate_error}
                  </span>
                </span>
              );
            },
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "6rem",
            cell: (provider) =>
              linkOf(provider)?.authenticated ? (
                <Button size="sm" look="ghost" onClick={() => setLeaving(provider)}>
                  Sign out…
                </Button>
              ) : (
                <Button size="sm" asChild>
                  <Link to={`/external-auth/${encodeURIComponent(provider.id)}`}>Sign in</Link>
                </Button>
              ),
          },
        ]}
      />
      <Confirm
        open={leaving !== undefined}
        onClose={() => setLeaving(undefined)}
        danger
        title={`Sign out of ${leaving?.display_name || leaving?.id}?`}
        description="Your workspaces can no longer use it on your behalf."
        action="Sign out"
        onConfirm={async () => {
          const { token_revocation_error } = await client.externalAuthDelete({
            params: { provider: leaving!.id },
          });
          await queries.invalidateQueries({ queryKey: externalAuthListQuery.queryKey });
          if (token_revocation_error)
            toasts.failed(new Error(`Signed out here, but not there: ${token_revocation_error}`));
        }}
      />
    </Page>
  );
}

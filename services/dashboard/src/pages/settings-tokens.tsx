import type { ApiKey } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { tokensQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { type Column, Table } from "../modules/ui/table.js";
import { CreateToken } from "../modules/users/create-token.js";

/** Access tokens of apps are not the user's own: they end with the app's grant. */
const isOwn = ({ login_type }: ApiKey) => login_type !== "oauth2_provider_app";
const isExpired = ({ expires_at }: ApiKey) => Date.parse(expires_at) < Date.now();

/** `/settings/tokens`: what scripts and automation authenticate with. */
export function TokensPage() {
  useTitle("Tokens");
  const tokens = useQuery(tokensQuery);
  const queries = useQueryClient();
  const [creating, setCreating] = useState(false);
  const [removing, setRemoving] = useState<ApiKey>();
  return (
    <Page>
      <PageHeader
        title="Tokens"
        lead="Tokens authenticate scripts and automation. Anyone who has a token can act as you, within its scopes."
        actions={
          <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create token
          </Button>
        }
      />
      <Table
        label="Tokens"
        rows={tokens.data?.filter(isOwn)}
        keyOf={({ id }) => id}
        error={tokens.error}
        onRetry={() => void tokens.refetch()}
        empty={<Empty icon={<KeyRound aria-hidden />} title="No tokens" />}
        columns={[
          ...COLUMNS,
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "2.25rem",
            cell: (token) => (
              <IconButton label={`Delete ${token.token_name || token.id}`} onClick={() => setRemoving(token)}>
                <Trash2 aria-hidden />
              </IconButton>
            ),
          },
        ]}
      />
      {creating && <CreateToken onClose={() => setCreating(false)} />}
      <Confirm
        open={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        danger
        title={`Delete ${removing?.token_name || removing?.id}?`}
        description="Anything that uses this token loses access immediately."
        action="Delete token"
        onConfirm={async () => {
          await client.keyDelete({ params: { user: "me", key: removing!.id } });
          await queries.invalidateQueries({ queryKey: tokensQuery.queryKey });
        }}
      />
    </Page>
  );
}

const COLUMNS: Column<ApiKey>[] = [
  {
    id: "name",
    title: "Token",
    width: "minmax(0, 1fr)",
    cell: (token) => (
      <span className="flex items-center gap-2">
        <span className="truncate font-medium">{token.token_name || token.id}</span>
        {isExpired(token) && <Badge tone="warn">Expired</Badge>}
      </span>
    ),
  },
  {
    id: "scopes",
    title: "Access",
    width: "minmax(0, 1fr)",
    from: "sm",
    cell: ({ scopes, scope }) => {
      const limits = (scopes ?? [scope]).filter((one) => one !== "all").join(", ");
      return limits ? (
        <span className="block truncate font-mono text-sm" title={limits}>
          {limits}
        </span>
      ) : (
        "Full access"
      );
    },
  },
  {
    id: "used",
    title: "Last used",
    width: "8rem",
    from: "md",
    cell: ({ last_used }) => <Ago time={last_used} />,
  },
  { id: "expires", title: "Expires", width: "8rem", cell: ({ expires_at }) => <Ago time={expires_at} /> },
];

import { useQuery } from "@tanstack/react-query";
import { Gauge } from "lucide-react";
import { Link } from "react-router";
import { quotasQuery } from "../api/admin.js";
import { useOrganization } from "../modules/admin/organization.js";
import { Avatar } from "../modules/ui/avatar.js";
import { useListSearch } from "../modules/ui/list-search.js";
import { Empty, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";

const PAGE_SIZE = 50;

/** `/organizations/:organization/quotas?page=`: what members' workspaces cost, and what they may cost. */
export function OrganizationQuotasPage() {
  const organization = useOrganization();
  useTitle(`${organization.display_name || organization.name} quotas`);
  const { page, setPage } = useListSearch();
  const quotas = useQuery(quotasQuery(organization.id, { limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }));
  return (
    <div className="flex flex-col gap-4">
      <p className="text-muted">
        Credits per day. A member's budget is the sum of the quotas of their{" "}
        <Link to="/groups" className="text-accent underline">
          groups
        </Link>
        .
      </p>
      <Table
        label="Quotas"
        rows={quotas.data?.users}
        keyOf={({ user_id }) => user_id}
        error={quotas.error}
        onRetry={() => void quotas.refetch()}
        busy={quotas.isPlaceholderData}
        empty={<Empty icon={<Gauge aria-hidden />} title="No members" />}
        columns={[
          {
            id: "user",
            title: "Member",
            width: "minmax(0, 1fr)",
            cell: ({ username, avatar_url }) => (
              <span className="flex items-center gap-3">
                <Avatar name={username} url={avatar_url} />
                <Link
                  to={`/workspaces?filter=${encodeURIComponent(`owner:${username}`)}`}
                  className="truncate rounded font-medium hover:underline"
                >
                  {username}
                </Link>
              </span>
            ),
          },
          {
            id: "used",
            title: "Used",
            width: "10rem",
            end: true,
            cell: ({ credits_consumed, budget, limited }) =>
              limited === false ? `${credits_consumed} credits` : `${credits_consumed} of ${budget} credits`,
          },
          {
            id: "state",
            title: "Status",
            width: "8rem",
            from: "sm",
            cell: ({ credits_consumed, budget, limited }) =>
              limited === false ? (
                <span className="text-faint">No limit</span>
              ) : credits_consumed > budget ? (
                <Pill tone="bad">Over budget</Pill>
              ) : (
                <Pill tone="ok">Within budget</Pill>
              ),
          },
        ]}
      />
      <Paging page={page} size={PAGE_SIZE} count={quotas.data?.count ?? 0} onChange={setPage} />
    </div>
  );
}

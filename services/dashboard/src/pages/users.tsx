import type { User } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { usersQuery } from "../api/users.js";
import { USER_KEYS } from "../modules/admin/filters.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Avatar } from "../modules/ui/avatar.js";
import { Button } from "../modules/ui/button.js";
import { Filter, faultOfSearch } from "../modules/ui/filter.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { useListSearch } from "../modules/ui/list-search.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Pill } from "../modules/ui/pill.js";
import { type Column, Table } from "../modules/ui/table.js";
import { CreateUser } from "../modules/users/create-user.js";
import { UserActions } from "../modules/users/user-actions.js";

const PAGE_SIZE = 50;

/** `/users?q=&page=`: people and service accounts. */
export function UsersPage() {
  useTitle("Users");
  return (
    <Allowed allowed={usePermissions().readUsers}>
      <List />
    </Allowed>
  );
}

function List() {
  const permissions = usePermissions();
  const { q, page, setQuery, setPage } = useListSearch();
  const [creating, setCreating] = useState(false);
  const users = useQuery(usersQuery({ q, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }));
  const fault = faultOfSearch(users.error);
  return (
    <Page width="fluid">
      <PageHeader
        title="Users"
        actions={
          permissions.createUser && (
            <Button look="primary" icon={<UserPlus aria-hidden />} onClick={() => setCreating(true)}>
              Create user
            </Button>
          )
        }
      />
      <div className="flex">
        <Filter
          label="Search users"
          placeholder="Search by name or email, or use status:suspended, role:owner"
          query={q}
          onChange={setQuery}
          keys={USER_KEYS}
          error={users.error}
        />
      </div>
      <Table
        label="Users"
        rows={fault ? [] : users.data?.users}
        keyOf={({ id }) => id}
        error={fault ? undefined : users.error}
        onRetry={() => void users.refetch()}
        busy={users.isPlaceholderData}
        rowPx={56}
        empty={<Empty icon={<Users aria-hidden />} title="No users found" />}
        columns={[
          ...COLUMNS,
          ...(permissions.updateUsers || permissions.assignRoles
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (user: User) => <UserActions user={user} />,
                },
              ]
            : []),
        ]}
      />
      <Paging page={page} size={PAGE_SIZE} count={users.data?.count ?? 0} onChange={setPage} />
      {creating && <CreateUser onClose={() => setCreating(false)} />}
    </Page>
  );
}

const STATUSES = {
  active: { tone: "ok", label: "Active" },
  dormant: { tone: "dormant", label: "Dormant" },
  suspended: { tone: "warn", label: "Suspended" },
} as const;
const LOGINS: Record<string, string> = {
  password: "Password",
  oidc: "OpenID Connect",
  github: "GitHub",
  none: "None",
  token: "Tokens",
};

const COLUMNS: Column<User>[] = [
  {
    id: "user",
    title: "User",
    width: "minmax(0, 2fr)",
    cell: ({ username, name, email, avatar_url, is_service_account }) => (
      <span className="flex items-center gap-3 py-1.5">
        <Avatar name={username} url={avatar_url} size={32} />
        <span className="min-w-0">
          <span className="flex items-center gap-2">
            <span className="truncate font-medium">{username}</span>
            {name && <span className="hidden truncate text-muted md:inline">{name}</span>}
            {is_service_account && <Badge>Service account</Badge>}
          </span>
          {email && <span className="block truncate text-muted text-sm">{email}</span>}
        </span>
      </span>
    ),
  },
  {
    id: "roles",
    title: "Roles",
    width: "minmax(0, 1fr)",
    from: "md",
    cell: ({ roles }) => {
      const shown = roles.filter(({ name }) => name !== "member");
      return (
        <span className="block truncate">
          {shown.map(({ name, display_name }) => display_name || name).join(", ") || (
            <span className="text-faint">Member</span>
          )}
        </span>
      );
    },
  },
  {
    id: "login",
    title: "Sign-in",
    width: "8rem",
    from: "lg",
    cell: ({ login_type, is_service_account }) =>
      is_service_account ? "Tokens" : (LOGINS[login_type] ?? login_type),
  },
  {
    id: "seen",
    title: "Last seen",
    width: "8rem",
    from: "lg",
    cell: ({ last_seen_at }) => <Ago time={last_seen_at} />,
  },
  {
    id: "status",
    title: "Status",
    width: "6.5rem",
    cell: ({ status }) => <Pill tone={STATUSES[status].tone}>{STATUSES[status].label}</Pill>,
  },
];

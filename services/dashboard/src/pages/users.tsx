import type { User } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  Ban,
  ChevronLeft,
  ChevronRight,
  CircleCheck,
  Ellipsis,
  Search,
  ShieldCheck,
  Trash2,
  UserPlus,
} from "lucide-react";
import { useDeferredValue, useState } from "react";
import { client } from "../api/client.js";
import { usersKey, usersQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions, useUser } from "../modules/session/session.js";
import { Avatar } from "../modules/ui/avatar.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Input } from "../modules/ui/field.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Badge, Card, Empty, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { useAct } from "../modules/ui/toast.js";
import { CreateUser } from "../modules/users/create-user.js";
import { EditRoles } from "../modules/users/edit-roles.js";

const PAGE_SIZE = 50;

export function UsersPage() {
  useTitle("Users");
  const permissions = usePermissions();
  const [text, setText] = useState("");
  const [page, setPage] = useState(0);
  const [creating, setCreating] = useState(false);
  const q = useDeferredValue(text.trim());
  const users = useQuery(usersQuery({ q, limit: PAGE_SIZE, offset: page * PAGE_SIZE }));
  const count = users.data?.count ?? 0;
  return (
    <div className="flex flex-col gap-5">
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
      <div className="relative">
        <Search aria-hidden className="-translate-y-1/2 absolute top-1/2 left-3 size-4 text-faint" />
        <Input
          type="search"
          aria-label="Search users"
          placeholder="Search by name or email, or use status:suspended, role:owner"
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setPage(0);
          }}
          className="pl-9"
        />
      </div>
      <Card>
        <Loaded query={users} skeleton={<SkeletonRows />} padded>
          {(found) =>
            found.users.length === 0 ? (
              <Empty title="No users found" />
            ) : (
              <ul className="divide-y divide-line">
                {found.users.map((user) => (
                  <UserRow key={user.id} user={user} />
                ))}
              </ul>
            )
          }
        </Loaded>
      </Card>
      {count > PAGE_SIZE && (
        <nav aria-label="Pages" className="flex items-center justify-end gap-2 text-muted text-sm">
          <span>
            {page * PAGE_SIZE + 1}–{Math.min(count, (page + 1) * PAGE_SIZE)} of {count}
          </span>
          <IconButton label="Previous page" disabled={page === 0} onClick={() => setPage(page - 1)}>
            <ChevronLeft aria-hidden />
          </IconButton>
          <IconButton
            label="Next page"
            disabled={(page + 1) * PAGE_SIZE >= count}
            onClick={() => setPage(page + 1)}
          >
            <ChevronRight aria-hidden />
          </IconButton>
        </nav>
      )}
      {creating && <CreateUser onClose={() => setCreating(false)} />}
    </div>
  );
}

const STATUS_TONES = { active: "ok", dormant: "plain", suspended: "warn" } as const;

function UserRow({ user }: { user: User }) {
  return (
    <li className="flex items-center gap-3 px-4 py-3 sm:px-5">
      <Avatar name={user.username} url={user.avatar_url} size={34} />
      <div className="min-w-0 flex-1">
        <p className="flex items-center gap-2">
          <span className="truncate font-medium">{user.username}</span>
          {user.name && <span className="hidden truncate text-muted sm:inline">{user.name}</span>}
        </p>
        <p className="truncate text-muted text-sm">{user.email}</p>
      </div>
      <div className="hidden flex-wrap justify-end gap-1 md:flex">
        {user.roles
          .filter(({ name }) => name !== "member")
          .map((role) => (
            <Badge key={role.name}>{role.display_name || role.name}</Badge>
          ))}
      </div>
      <span className="hidden w-32 text-right text-muted text-sm lg:block">
        Seen <Ago time={user.last_seen_at} />
      </span>
      <Badge tone={STATUS_TONES[user.status]}>{user.status}</Badge>
      <UserActions user={user} />
    </li>
  );
}

function UserActions({ user }: { user: User }) {
  const me = useUser();
  const permissions = usePermissions();
  const queries = useQueryClient();
  const act = useAct();
  const [asked, setAsked] = useState<"roles" | "suspend" | "delete">();
  const params = { user: user.id };
  const close = () => setAsked(undefined);
  const refresh = () => queries.invalidateQueries({ queryKey: usersKey });
  if (!permissions.updateUsers && !permissions.assignRoles) return null;
  return (
    <>
      <Menu
        label={`Actions for ${user.username}`}
        trigger={
          <IconButton label={`More actions for ${user.username}`}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        <MenuItem
          icon={<ShieldCheck aria-hidden />}
          disabled={!permissions.assignRoles}
          onSelect={() => setAsked("roles")}
        >
          Edit roles…
        </MenuItem>
        {user.status === "active" ? (
          <MenuItem
            icon={<Ban aria-hidden />}
            disabled={user.id === me.id}
            onSelect={() => setAsked("suspend")}
          >
            Suspend…
          </MenuItem>
        ) : (
          <MenuItem
            icon={<CircleCheck aria-hidden />}
            onSelect={() =>
              act(() => client.userActivate({ params }).then(refresh), `User ${user.username} activated.`)
            }
          >
            Activate
          </MenuItem>
        )}
        <MenuLine />
        <MenuItem
          icon={<Trash2 aria-hidden />}
          danger
          disabled={user.id === me.id}
          onSelect={() => setAsked("delete")}
        >
          Delete…
        </MenuItem>
      </Menu>
      {asked === "roles" && <EditRoles user={user} onClose={close} />}
      <Confirm
        open={asked === "suspend"}
        onClose={close}
        danger
        title={`Suspend ${user.username}?`}
        description="The user is signed out and cannot sign in until you activate them. Their workspaces are not changed."
        action="Suspend user"
        onConfirm={() => client.userSuspend({ params }).then(refresh)}
      />
      <Confirm
        open={asked === "delete"}
        onClose={close}
        danger
        title={`Delete ${user.username}?`}
        description="Delete the user's workspaces first. This cannot be undone."
        action="Delete user"
        typeToConfirm={user.username}
        onConfirm={() => client.userDelete({ params }).then(refresh)}
      />
    </>
  );
}

import type { OrganizationMember } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, ShieldCheck, UserMinus, Users } from "lucide-react";
import { useState } from "react";
import { membersQuery, organizationPermissionsQuery, organizationRolesQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { useOrganization } from "../modules/admin/organization.js";
import { UserPicker } from "../modules/admin/user-picker.js";
import { usePermissions } from "../modules/session/session.js";
import { Avatar } from "../modules/ui/avatar.js";
import { IconButton } from "../modules/ui/button.js";
import { Checkbox } from "../modules/ui/choice.js";
import { Confirm } from "../modules/ui/confirm.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { useListSearch } from "../modules/ui/list-search.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Empty, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";

const PAGE_SIZE = 50;
/** Held by everybody in the organization, so it cannot be chosen. */
const IMPLIED = "organization-member";

/** `/organizations/:organization/members?page=`. */
export function OrganizationMembersPage() {
  const organization = useOrganization();
  useTitle(`${organization.display_name || organization.name} members`);
  const { page, setPage } = useListSearch();
  const queries = useQueryClient();
  const act = useAct();
  const permissions = usePermissions();
  const may = useQuery(organizationPermissionsQuery(organization.id)).data;
  const members = useQuery(
    membersQuery(organization.id, { limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }),
  );
  const [asked, setAsked] = useState<{ what: "roles" | "remove"; member: OrganizationMember }>();
  const refresh = () => queries.invalidateQueries({ queryKey: ["members", organization.id] });
  return (
    <div className="flex flex-col gap-4">
      {may?.addMembers && permissions.readUsers && (
        <UserPicker
          label="Add a user"
          exclude={members.data && new Set(members.data.members.map(({ user_id }) => user_id))}
          onChoose={(user) =>
            act(() => client.memberAdd({ params: { organization: organization.id, user } }).then(refresh))
          }
        />
      )}
      <Table
        label="Members"
        rows={members.data?.members}
        keyOf={({ user_id }) => user_id}
        error={members.error}
        onRetry={() => void members.refetch()}
        busy={members.isPlaceholderData}
        rowPx={56}
        empty={<Empty icon={<Users aria-hidden />} title="No members" />}
        columns={[
          {
            id: "user",
            title: "Member",
            width: "minmax(0, 1fr)",
            cell: ({ username, name, email, avatar_url }) => (
              <span className="flex items-center gap-3 py-1.5">
                <Avatar name={username} url={avatar_url} size={32} />
                <span className="min-w-0">
                  <span className="flex gap-2">
                    <span className="truncate font-medium">{username}</span>
                    {name && <span className="hidden truncate text-muted md:inline">{name}</span>}
                  </span>
                  <span className="block truncate text-muted text-sm">{email}</span>
                </span>
              </span>
            ),
          },
          {
            id: "roles",
            title: "Roles here",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ roles }) => <RoleNames roles={roles} />,
          },
          {
            id: "site",
            title: "Roles of the deployment",
            width: "minmax(0, 1fr)",
            from: "lg",
            cell: ({ global_roles }) => <RoleNames roles={global_roles} />,
          },
          ...(may?.assignRoles || may?.removeMembers
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (member: OrganizationMember) => (
                    <Menu
                      label={`Actions for ${member.username}`}
                      trigger={
                        <IconButton label={`More actions for ${member.username}`}>
                          <Ellipsis aria-hidden />
                        </IconButton>
                      }
                    >
                      {may.assignRoles && (
                        <MenuItem
                          icon={<ShieldCheck aria-hidden />}
                          onSelect={() => setAsked({ what: "roles", member })}
                        >
                          Edit roles…
                        </MenuItem>
                      )}
                      {may.assignRoles && may.removeMembers && <MenuLine />}
                      {may.removeMembers && (
                        <MenuItem
                          icon={<UserMinus aria-hidden />}
                          danger
                          onSelect={() => setAsked({ what: "remove", member })}
                        >
                          Remove…
                        </MenuItem>
                      )}
                    </Menu>
                  ),
                },
              ]
            : []),
        ]}
      />
      <Paging page={page} size={PAGE_SIZE} count={members.data?.count ?? 0} onChange={setPage} />
      {asked?.what === "roles" && (
        <MemberRoles member={asked.member} onSaved={refresh} onClose={() => setAsked(undefined)} />
      )}
      <Confirm
        open={asked?.what === "remove"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Remove ${asked?.member.username} from the organization?`}
        description="They lose access to its templates, and to workspaces that are shared with them. Their own workspaces are kept."
        action="Remove member"
        onConfirm={() =>
          client
            .memberRemove({ params: { organization: organization.id, user: asked!.member.user_id } })
            .then(refresh)
        }
      />
    </div>
  );
}

function RoleNames({ roles }: { roles: OrganizationMember["roles"] }) {
  const names = roles.map(({ name, display_name }) => display_name || name).join(", ");
  return (
    <span className="block truncate" title={names}>
      {names || <span className="text-faint">Member</span>}
    </span>
  );
}

function MemberRoles(props: { member: OrganizationMember; onSaved(): Promise<void>; onClose(): void }) {
  const { member, onSaved, onClose } = props;
  const organization = useOrganization();
  const roles = useQuery(organizationRolesQuery(organization.id));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(
    () => new Set(member.roles.map(({ name }) => name)),
  );
  const form = useForm({
    async submit() {
      await client.memberRolesUpdate({
        params: { organization: organization.id, user: member.user_id },
        body: { roles: [...chosen].filter((name) => name !== IMPLIED) },
      });
      await onSaved();
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={`Roles of ${member.username}`}
      description={`Roles apply in ${organization.display_name || organization.name}.`}
      action="Save roles"
      disabled={roles.data === undefined}
    >
      <Loaded query={roles}>
        {(all) =>
          all
            .filter(({ name }) => name !== IMPLIED)
            .map(({ name, display_name, assignable }) => (
              <Checkbox
                key={name}
                checked={chosen.has(name)}
                disabled={!assignable}
                onChange={(on) => {
                  const next = new Set(chosen);
                  if (on) next.add(name);
                  else next.delete(name);
                  setChosen(next);
                }}
              >
                {display_name || name}
              </Checkbox>
            ))
        }
      </Loaded>
    </FormDialog>
  );
}

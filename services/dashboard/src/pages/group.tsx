import type { Group } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Pencil, Trash2, UserMinus, UsersRound } from "lucide-react";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { groupQuery, groupsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import { UserPicker } from "../modules/admin/user-picker.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Avatar } from "../modules/ui/avatar.js";
import { IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input } from "../modules/ui/field.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Notice } from "../modules/ui/notice.js";
import { Empty, Page, PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";
import { NotFoundPage } from "./not-found.js";

/** `/groups/:group`: its members and quota. */
export function GroupPage() {
  const { group: id = "" } = useParams();
  const group = useQuery(groupQuery(id));
  useTitle(group.data?.display_name || group.data?.name || "Group");
  if (isFleetError(group.error, "not_found")) return <NotFoundPage />;
  return (
    <Loaded query={group} skeleton={<Skeleton className="h-64 w-full rounded-xl" />}>
      {(found) => <LoadedGroup group={found} />}
    </Loaded>
  );
}

function LoadedGroup({ group }: { group: Group }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const act = useAct();
  const [asked, setAsked] = useState<"edit" | "delete">();
  const params = { group: group.id };
  const title = group.display_name || group.name;
  // The group of all members is the organization's: only its quota can be changed.
  const isEveryone = group.id === group.organization_id;
  const change = (body: { add_users?: string[]; remove_users?: string[] }) =>
    act(async () => {
      await client.groupUpdate({ params, body });
      await queries.invalidateQueries({ queryKey: groupsQuery.queryKey });
    });
  return (
    <Page>
      <PageHeader
        crumbs={[{ to: "/groups", label: "Groups" }]}
        title={title}
        lead={`${group.organization_display_name || group.organization_name} · quota of ${group.quota_allowance} credits per day for each member`}
        actions={
          <Menu
            label={`Actions for ${group.name}`}
            trigger={
              <IconButton label="More actions">
                <Ellipsis aria-hidden />
              </IconButton>
            }
          >
            <MenuItem icon={<Pencil aria-hidden />} onSelect={() => setAsked("edit")}>
              {isEveryone ? "Edit quota…" : "Edit name and quota…"}
            </MenuItem>
            {!isEveryone && (
              <>
                <MenuLine />
                <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setAsked("delete")}>
                  Delete group…
                </MenuItem>
              </>
            )}
          </Menu>
        }
      />
      {isEveryone ? (
        <Notice>Everybody in the organization is in this group.</Notice>
      ) : group.source === "oidc" ? (
        <Notice>The identity provider manages this group: members change when they sign in.</Notice>
      ) : (
        <UserPicker
          label="Add a member"
          organization={group.organization_id}
          exclude={new Set(group.members.map(({ id }) => id))}
          onChoose={(user) => change({ add_users: [user] })}
        />
      )}
      <Table
        label="Members"
        rows={group.members}
        keyOf={({ id }) => id}
        rowPx={56}
        empty={<Empty icon={<UsersRound aria-hidden />} title="No members yet" />}
        columns={[
          {
            id: "user",
            title: "Member",
            width: "minmax(0, 1fr)",
            sort: ({ username }) => username,
            cell: ({ username, name, email, avatar_url }) => (
              <span className="flex items-center gap-3 py-1.5">
                <Avatar name={username} url={avatar_url} size={32} />
                <span className="min-w-0">
                  <span className="flex gap-2">
                    <span className="truncate font-medium">{username}</span>
                    {name && <span className="hidden truncate text-muted sm:inline">{name}</span>}
                  </span>
                  <span className="block truncate text-muted text-sm">{email}</span>
                </span>
              </span>
            ),
          },
          ...(isEveryone
            ? []
            : [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: ({ id, username }: Group["members"][number]) => (
                    <IconButton label={`Remove ${username}`} onClick={() => change({ remove_users: [id] })}>
                      <UserMinus aria-hidden />
                    </IconButton>
                  ),
                },
              ]),
        ]}
      />
      {asked === "edit" && <EditGroup group={group} onClose={() => setAsked(undefined)} />}
      <Confirm
        open={asked === "delete"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Delete ${title}?`}
        description="Members lose access to templates and workspaces that are shared with the group, and its quota."
        action="Delete group"
        typeToConfirm={group.name}
        onConfirm={async () => {
          await client.groupDelete({ params });
          await navigate("/groups");
          await queries.invalidateQueries({ queryKey: groupsQuery.queryKey });
        }}
      />
    </Page>
  );
}

function EditGroup({ group, onClose }: { group: Group; onClose(): void }) {
  const queries = useQueryClient();
  const isEveryone = group.id === group.organization_id;
  const form = useForm({
    async submit(values) {
      await client.groupUpdate({
        params: { group: group.id },
        body: {
          ...(isEveryone ? {} : { name: values("name"), display_name: values("display_name") }),
          quota_allowance: Number(values("quota_allowance") || "0"),
        },
      });
      await queries.invalidateQueries({ queryKey: groupsQuery.queryKey });
      onClose();
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title={`Edit ${group.name}`} action="Save">
      {!isEveryone && (
        <>
          <Field name="name" label="Name">
            <Input
              required
              defaultValue={group.name}
              maxLength={36}
              pattern={NAME_PATTERN}
              title={NAME_RULE}
              autoComplete="off"
              spellCheck={false}
            />
          </Field>
          <Field name="display_name" label="Display name" optional>
            <Input defaultValue={group.display_name} maxLength={64} autoComplete="off" />
          </Field>
        </>
      )}
      <Field name="quota_allowance" label="Quota" description="Credits per day for each member.">
        <Input
          type="number"
          min={0}
          step={1}
          required
          defaultValue={group.quota_allowance}
          className="w-28!"
        />
      </Field>
    </FormDialog>
  );
}

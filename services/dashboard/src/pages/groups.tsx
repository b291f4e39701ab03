import type { Group } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus, UsersRound } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { groupsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { organizationsQuery } from "../api/users.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { type Column, Table } from "../modules/ui/table.js";

/** `/groups`: groups of all organizations. */
export function GroupsPage() {
  useTitle("Groups");
  const permissions = usePermissions();
  return (
    <Allowed allowed={permissions.updateGroups}>
      <List />
    </Allowed>
  );
}

function List() {
  const organizations = useQuery(organizationsQuery).data ?? [];
  const groups = useQuery(groupsQuery);
  const [creating, setCreating] = useState(false);
  const columns: Column<Group>[] = [
    {
      id: "name",
      title: "Group",
      width: "minmax(0, 2fr)",
      sort: ({ name }) => name,
      cell: ({ id, name, display_name, source, organization_id }) => (
        <span className="flex items-center gap-2">
          <Link to={`/groups/${id}`} className="truncate rounded font-medium hover:underline">
            {display_name || name}
          </Link>
          {id === organization_id && <Badge>All members</Badge>}
          {source === "oidc" && <Badge>Identity provider</Badge>}
        </span>
      ),
    },
    ...(organizations.length > 1
      ? [
          {
            id: "organization",
            title: "Organization",
            width: "minmax(0, 1fr)",
            from: "sm" as const,
            sort: ({ organization_name }: Group) => organization_name,
            cell: ({ organization_display_name, organization_name }: Group) =>
              organization_display_name || organization_name,
          },
        ]
      : []),
    {
      id: "members",
      title: "Members",
      width: "6rem",
      end: true,
      sort: ({ total_member_count }) => total_member_count,
      cell: ({ total_member_count }) => total_member_count,
    },
    {
      id: "quota",
      title: "Quota",
      width: "8rem",
      end: true,
      from: "sm",
      sort: ({ quota_allowance }) => quota_allowance,
      cell: ({ quota_allowance }) => (
        <span>
          {quota_allowance} <span className="text-muted">credits</span>
        </span>
      ),
    },
  ];
  return (
    <Page width="fluid">
      <PageHeader
        title="Groups"
        lead="Groups share templates and workspaces. Their quotas add up for each member."
        actions={
          <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create group
          </Button>
        }
      />
      <Table
        label="Groups"
        rows={groups.data}
        keyOf={({ id }) => id}
        error={groups.error}
        onRetry={() => void groups.refetch()}
        empty={<Empty icon={<UsersRound aria-hidden />} title="No groups yet" />}
        columns={columns}
      />
      {creating && <CreateGroup onClose={() => setCreating(false)} />}
    </Page>
  );
}

function CreateGroup({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const organizations = useQuery(organizationsQuery).data ?? [];
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id ?? "default";
  const form = useForm({
    async submit(values) {
      const group = await client.groupCreate({
        params: { organization },
        body: {
          name: values("name"),
          display_name: values("display_name"),
          quota_allowance: Number(values("quota_allowance") || "0"),
        },
      });
      await queries.invalidateQueries({ queryKey: groupsQuery.queryKey });
      await navigate(`/groups/${group.id}`);
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title="Create group" action="Create group">
      <Field name="name" label="Name">
        <Input
          required
          autoFocus
          maxLength={36}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field name="display_name" label="Display name" optional>
        <Input maxLength={64} autoComplete="off" />
      </Field>
      <Field
        name="quota_allowance"
        label="Quota"
        description="Credits per day that each member may spend on workspaces, in addition to those of other groups."
      >
        <Input type="number" min={0} step={1} defaultValue={0} className="w-28!" />
      </Field>
      {organizations.length > 1 && (
        <Field name="organization" label="Organization">
          <Select
            value={organization}
            options={organizations.map(({ id, name, display_name }) => ({
              value: id,
              label: display_name || name,
            }))}
            onChange={setChosen}
          />
        </Field>
      )}
    </FormDialog>
  );
}

import type { AssignableRole } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Pencil, Plus, ShieldCheck, Trash2 } from "lucide-react";
import { useState } from "react";
import { organizationPermissionsQuery, organizationRolesQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { useOrganization } from "../modules/admin/organization.js";
import { RoleForm } from "../modules/admin/role-form.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Badge, Empty, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";

/** `/organizations/:organization/roles`: built-in and custom roles. */
export function OrganizationRolesPage() {
  const organization = useOrganization();
  useTitle(`${organization.display_name || organization.name} roles`);
  const queries = useQueryClient();
  const roles = useQuery(organizationRolesQuery(organization.id));
  const may = useQuery(organizationPermissionsQuery(organization.id)).data;
  const [edited, setEdited] = useState<AssignableRole | "new">();
  const [removed, setRemoved] = useState<AssignableRole>();
  return (
    <div className="flex flex-col gap-4">
      {may?.updateRoles && (
        <div className="flex justify-end">
          <Button size="sm" icon={<Plus aria-hidden />} onClick={() => setEdited("new")}>
            Create role
          </Button>
        </div>
      )}
      <Table
        label="Roles"
        rows={roles.data}
        keyOf={({ name }) => name}
        error={roles.error}
        onRetry={() => void roles.refetch()}
        empty={<Empty icon={<ShieldCheck aria-hidden />} title="No roles" />}
        columns={[
          {
            id: "name",
            title: "Role",
            width: "minmax(0, 1fr)",
            cell: ({ name, display_name, built_in }) => (
              <span className="flex items-center gap-2">
                <span className="truncate font-medium">{display_name || name}</span>
                {!built_in && <Badge>Custom</Badge>}
              </span>
            ),
          },
          {
            id: "grants",
            title: "Permissions",
            width: "minmax(0, 2fr)",
            from: "sm",
            cell: (role) => <span className="block truncate text-muted">{grantsOf(role)}</span>,
          },
          ...(may?.updateRoles
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (role: AssignableRole) =>
                    role.built_in ? null : (
                      <Menu
                        label={`Actions for ${role.name}`}
                        trigger={
                          <IconButton label={`More actions for ${role.name}`}>
                            <Ellipsis aria-hidden />
                          </IconButton>
                        }
                      >
                        <MenuItem icon={<Pencil aria-hidden />} onSelect={() => setEdited(role)}>
                          Edit…
                        </MenuItem>
                        <MenuLine />
                        <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setRemoved(role)}>
                          Delete…
                        </MenuItem>
                      </Menu>
                    ),
                },
              ]
            : []),
        ]}
      />
      {edited && (
        <RoleForm
          organization={organization.id}
          role={edited === "new" ? undefined : edited}
          known={roles.data ?? []}
          onClose={() => setEdited(undefined)}
        />
      )}
      <Confirm
        open={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        danger
        title={`Delete ${removed?.display_name || removed?.name}?`}
        description="Its holders lose the role."
        action="Delete role"
        onConfirm={async () => {
          await client.organizationRoleDelete({
            params: { organization: organization.id, roleName: removed!.name },
          });
          await queries.invalidateQueries({ queryKey: organizationRolesQuery(organization.id).queryKey });
        }}
      />
    </div>
  );
}

/** "template: create, update; workspace: all". */
function grantsOf({ organization_permissions, organization_member_permissions }: AssignableRole): string {
  const all = [...organization_permissions, ...organization_member_permissions];
  return [...Map.groupBy(all, ({ resource_type }) => resource_type)]
    .map(([type, list]) => {
      const actions = [...new Set(list.map(({ action, negate }) => (negate ? `not ${action}` : action)))];
      const name = type === "*" ? "everything" : type.replaceAll("_", " ");
      return actions.includes("*") ? `${name}: all` : `${name}: ${actions.join(", ")}`;
    })
    .join("; ");
}

import type { TemplateRole } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Trash2, Users } from "lucide-react";
import { client } from "../api/client.js";
import { templateAclQuery } from "../api/templates.js";
import { useTemplate } from "../modules/templates/form.js";
import { type Subject, SubjectPicker } from "../modules/templates/subject-picker.js";
import { Avatar } from "../modules/ui/avatar.js";
import { IconButton } from "../modules/ui/button.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Empty, useTitle } from "../modules/ui/page.js";
import { Select } from "../modules/ui/select.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";

const ROLES = [
  { value: "use", label: "Use", description: "Create workspaces." },
  { value: "admin", label: "Admin", description: "Also change the template and see its workspaces." },
];

type Entry = Subject & { role: TemplateRole };

/** `/templates/:template/settings/permissions`: who may use and administer it. */
export function TemplatePermissionsPage() {
  const template = useTemplate();
  useTitle(`${template.display_name || template.name} permissions`);
  const queries = useQueryClient();
  const act = useAct();
  const acl = useQuery(templateAclQuery(template.id));
  const entries: Entry[] | undefined = acl.data && [
    ...acl.data.group.map((group) => ({
      kind: "group" as const,
      id: group.id,
      name: group.id === group.organization_id ? "Everyone" : group.display_name || group.name,
      detail:
        group.id === group.organization_id
          ? `All members of ${group.organization_display_name || group.organization_name}`
          : `Group, ${group.total_member_count} ${group.total_member_count === 1 ? "member" : "members"}`,
      avatar_url: group.avatar_url,
      role: group.role,
    })),
    ...acl.data.users.map((user) => ({
      kind: "user" as const,
      id: user.id,
      name: user.username,
      detail: user.email,
      avatar_url: user.avatar_url,
      role: user.role,
    })),
  ];
  const set = (subject: Subject, role: TemplateRole) =>
    act(async () => {
      const perms = { [subject.id]: role };
      await client.templateAclUpdate({
        params: { template: template.id },
        body: subject.kind === "user" ? { user_perms: perms } : { group_perms: perms },
      });
      await queries.invalidateQueries({ queryKey: templateAclQuery(template.id).queryKey });
    });
  return (
    <div className="flex max-w-3xl flex-col gap-5">
      <FormSection
        title="Permissions"
        lead="Users and groups of the organization who may use this template. Owners and template administrators always may."
      >
        <SubjectPicker
          template={template.id}
          exclude={entries && new Set(entries.map(({ id }) => id))}
          onChoose={(subject) => set(subject, "use")}
        />
      </FormSection>
      <Table
        label="Permissions"
        rows={entries}
        keyOf={({ id }) => id}
        error={acl.error}
        onRetry={() => void acl.refetch()}
        empty={
          <Empty icon={<Users aria-hidden />} title="Nobody has access">
            Only owners and template administrators can use this template.
          </Empty>
        }
        columns={[
          {
            id: "name",
            title: "User or group",
            width: "minmax(0, 1fr)",
            cell: ({ name, detail, avatar_url, kind }) => (
              <span className="flex items-center gap-3 py-1.5">
                {kind === "group" ? (
                  <Users className="size-7 rounded-full bg-sunken p-1.5 text-muted" aria-hidden />
                ) : (
                  <Avatar name={name} url={avatar_url} />
                )}
                <span className="min-w-0">
                  <span className="block truncate font-medium">{name}</span>
                  <span className="block truncate text-muted text-sm">{detail}</span>
                </span>
              </span>
            ),
          },
          {
            id: "role",
            title: "Role",
            width: "7.5rem",
            cell: (entry) => (
              <Select
                label={`Role of ${entry.name}`}
                value={entry.role}
                options={ROLES}
                onChange={(role) => set(entry, role as TemplateRole)}
              />
            ),
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            width: "2.25rem",
            cell: (entry) => (
              <IconButton label={`Remove ${entry.name}`} onClick={() => set(entry, "")}>
                <Trash2 aria-hidden />
              </IconButton>
            ),
          },
        ]}
      />
    </div>
  );
}

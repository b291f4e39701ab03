import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { client } from "../api/client.js";
import { organizationsQuery } from "../api/users.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";

/** `/organizations`. */
export function OrganizationsPage() {
  useTitle("Organizations");
  return (
    <Allowed allowed={usePermissions().readMembers}>
      <List />
    </Allowed>
  );
}

function List() {
  const permissions = usePermissions();
  const organizations = useQuery(organizationsQuery);
  const [creating, setCreating] = useState(false);
  return (
    <Page width="fluid">
      <PageHeader
        title="Organizations"
        lead="Each has its own members, groups, roles, templates and provisioners."
        actions={
          permissions.createOrganization && (
            <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
              Create organization
            </Button>
          )
        }
      />
      <Table
        label="Organizations"
        rows={organizations.data}
        keyOf={({ id }) => id}
        error={organizations.error}
        onRetry={() => void organizations.refetch()}
        empty={<Empty icon={<Building2 aria-hidden />} title="No organizations" />}
        columns={[
          {
            id: "name",
            title: "Organization",
            width: "minmax(0, 2fr)",
            sort: ({ display_name, name }) => display_name || name,
            cell: ({ name, display_name, is_default }) => (
              <span className="flex items-center gap-2">
                <Link to={`/organizations/${name}`} className="truncate rounded font-medium hover:underline">
                  {display_name || name}
                </Link>
                {is_default && <Badge>Default</Badge>}
              </span>
            ),
          },
          {
            id: "about",
            title: "Description",
            width: "minmax(0, 3fr)",
            from: "md",
            cell: ({ description }) => <span className="block truncate text-muted">{description}</span>,
          },
          {
            id: "created",
            title: "Created",
            width: "9rem",
            from: "sm",
            sort: ({ created_at }) => created_at,
            cell: ({ created_at }) => <Ago time={created_at} />,
          },
        ]}
      />
      {creating && <CreateOrganization onClose={() => setCreating(false)} />}
    </Page>
  );
}

function CreateOrganization({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    async submit(values) {
      const { name } = await client.organizationCreate({
        body: {
          name: values("name"),
          display_name: values("display_name"),
          description: values("description"),
        },
      });
      await queries.invalidateQueries({ queryKey: organizationsQuery.queryKey });
      await navigate(`/organizations/${name}`);
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title="Create organization" action="Create organization">
      <Field name="name" label="Name" description="Part of URLs and commands.">
        <Input
          required
          autoFocus
          maxLength={32}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field name="display_name" label="Display name" optional>
        <Input maxLength={64} autoComplete="off" />
      </Field>
      <Field name="description" label="Description" optional>
        <Input maxLength={128} autoComplete="off" />
      </Field>
    </FormDialog>
  );
}

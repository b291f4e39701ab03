import type { UserSecret } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Pencil, Plus, ShieldEllipsis, Trash2 } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { secretsQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input, Textarea } from "../modules/ui/field.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";

/** `/settings/secrets`: values that all of the user's workspaces receive. */
export function SecretsPage() {
  useTitle("Secrets");
  const secrets = useQuery(secretsQuery);
  const queries = useQueryClient();
  const [edited, setEdited] = useState<UserSecret | "new">();
  const [removed, setRemoved] = useState<UserSecret>();
  return (
    <Page>
      <PageHeader
        title="Secrets"
        lead="Your workspaces receive them as environment variables or files. Values cannot be read back."
        actions={
          <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setEdited("new")}>
            Create secret
          </Button>
        }
      />
      <Table
        label="Secrets"
        rows={secrets.data}
        keyOf={({ id }) => id}
        error={secrets.error}
        onRetry={() => void secrets.refetch()}
        rowPx={56}
        empty={<Empty icon={<ShieldEllipsis aria-hidden />} title="No secrets yet" />}
        columns={[
          {
            id: "name",
            title: "Secret",
            width: "minmax(0, 1fr)",
            sort: ({ name }) => name,
            cell: ({ name, description, enabled }) => (
              <span className="block py-1.5">
                <span className="flex items-center gap-2">
                  <span className="truncate font-medium">{name}</span>
                  {!enabled && <Badge>Off</Badge>}
                </span>
                {description && <span className="block truncate text-muted text-sm">{description}</span>}
              </span>
            ),
          },
          {
            id: "where",
            title: "In workspaces",
            width: "minmax(0, 1fr)",
            from: "sm",
            cell: ({ env_name, file_path }) => {
              const places = [env_name && `$${env_name}`, file_path].filter(Boolean).join(", ");
              return (
                <span className="block truncate font-mono text-sm" title={places}>
                  {places}
                </span>
              );
            },
          },
          {
            id: "updated",
            title: "Changed",
            width: "8.5rem",
            from: "md",
            cell: ({ updated_at }) => <Ago time={updated_at} />,
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "2.25rem",
            cell: (secret) => (
              <Menu
                label={`Actions for ${secret.name}`}
                trigger={
                  <IconButton label={`More actions for ${secret.name}`}>
                    <Ellipsis aria-hidden />
                  </IconButton>
                }
              >
                <MenuItem icon={<Pencil aria-hidden />} onSelect={() => setEdited(secret)}>
                  Edit…
                </MenuItem>
                <MenuLine />
                <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => setRemoved(secret)}>
                  Delete…
                </MenuItem>
              </Menu>
            ),
          },
        ]}
      />
      {edited && (
        <SecretForm secret={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
      <Confirm
        open={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        danger
        title={`Delete ${removed?.name}?`}
        description="Running workspaces keep it until they restart."
        action="Delete secret"
        onConfirm={async () => {
          await client.userSecretDelete({ params: { user: "me", secret: removed!.name } });
          await queries.invalidateQueries({ queryKey: secretsQuery.queryKey });
        }}
      />
    </Page>
  );
}

function SecretForm({ secret, onClose }: { secret: UserSecret | undefined; onClose(): void }) {
  const queries = useQueryClient();
  const [enabled, setEnabled] = useState(secret?.enabled ?? true);
  const form = useForm({
    check: (values) => ({
      env_name:
        values("env_name") === "" && values("file_path") === ""
          ? "Enter a variable, a file, or both."
          : undefined,
    }),
    async submit(values) {
      const value = values("value");
      const body = {
        description: values("description"),
        env_name: values("env_name"),
        file_path: values("file_path"),
        enabled,
      };
      if (secret)
        await client.userSecretUpdate({
          params: { user: "me", secret: secret.name },
          body: { ...body, ...(value ? { value } : {}) },
        });
      else
        await client.userSecretCreate({
          params: { user: "me" },
          body: { ...body, name: values("name"), value },
        });
      await queries.invalidateQueries({ queryKey: secretsQuery.queryKey });
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={secret ? `Edit ${secret.name}` : "Create secret"}
      description="Running workspaces receive a change when their agent connects again, at the latest when they start."
      action={secret ? "Save secret" : "Create secret"}
    >
      {!secret && (
        <Field name="name" label="Name">
          <Input required autoFocus maxLength={64} autoComplete="off" spellCheck={false} />
        </Field>
      )}
      <Field name="value" label="Value">
        <Textarea
          required={!secret}
          rows={2}
          placeholder={secret ? "Unchanged" : undefined}
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm! [-webkit-text-security:disc]"
        />
      </Field>
      <Field name="env_name" label="Environment variable" optional>
        <Input
          defaultValue={secret?.env_name}
          placeholder="NPM_TOKEN"
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <Field name="file_path" label="File" optional>
        <Input
          defaultValue={secret?.file_path}
          placeholder="~/.config/npm/token"
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <Field name="description" label="Description" optional>
        <Input defaultValue={secret?.description} autoComplete="off" />
      </Field>
      <SwitchSetting checked={enabled} onChange={setEnabled} title="Give it to workspaces" />
    </FormDialog>
  );
}

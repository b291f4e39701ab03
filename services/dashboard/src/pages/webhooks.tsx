import type { Webhook } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, KeyRound, Pencil, Plus, Trash2, Webhook as WebhookIcon } from "lucide-react";
import { useState } from "react";
import { webhooksQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { SecretDialog } from "../modules/admin/secret-dialog.js";
import { usePermissions } from "../modules/session/session.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";

type Asked = { what: "edit" | "secret" | "delete"; webhook: Webhook };

/** `/deployment/webhooks`: receivers of audit log entries. */
export function WebhooksPage() {
  useTitle("Webhooks");
  return (
    <Allowed allowed={usePermissions().readConfig}>
      <List />
    </Allowed>
  );
}

function List() {
  const webhooks = useQuery(webhooksQuery);
  const queries = useQueryClient();
  const may = usePermissions().updateConfig;
  const [creating, setCreating] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const [secret, setSecret] = useState<string>();
  const refresh = () => queries.invalidateQueries({ queryKey: webhooksQuery.queryKey });
  return (
    <Page width="fluid">
      <PageHeader
        title="Webhooks"
        lead="Receive entries of the audit log, signed and repeated until they arrive."
        actions={
          may && (
            <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
              Create webhook
            </Button>
          )
        }
      />
      <Table
        label="Webhooks"
        rows={webhooks.data}
        keyOf={({ id }) => id}
        error={webhooks.error}
        onRetry={() => void webhooks.refetch()}
        rowPx={56}
        empty={<Empty icon={<WebhookIcon aria-hidden />} title="No webhooks yet" />}
        columns={[
          {
            id: "name",
            title: "Webhook",
            width: "minmax(0, 2fr)",
            sort: ({ name }) => name,
            cell: ({ name, url }) => (
              <span className="block py-1.5">
                <span className="block truncate font-medium">{name}</span>
                <span className="block truncate font-mono text-muted text-sm" title={url}>
                  {url}
                </span>
              </span>
            ),
          },
          {
            id: "receives",
            title: "Receives",
            width: "minmax(0, 1fr)",
            from: "md",
            cell: ({ resource_types, actions }) => (
              <span className="block truncate">
                {[...actions, ...resource_types].join(", ").replaceAll("_", " ") || "All entries"}
              </span>
            ),
          },
          {
            id: "state",
            title: "Status",
            width: "6rem",
            cell: ({ enabled }) => <Pill tone={enabled ? "ok" : "idle"}>{enabled ? "Enabled" : "Off"}</Pill>,
          },
          ...(may
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (webhook: Webhook) => (
                    <Menu
                      label={`Actions for ${webhook.name}`}
                      trigger={
                        <IconButton label={`More actions for ${webhook.name}`}>
                          <Ellipsis aria-hidden />
                        </IconButton>
                      }
                    >
                      <MenuItem
                        icon={<Pencil aria-hidden />}
                        onSelect={() => setAsked({ what: "edit", webhook })}
                      >
                        Edit…
                      </MenuItem>
                      <MenuItem
                        icon={<KeyRound aria-hidden />}
                        onSelect={() => setAsked({ what: "secret", webhook })}
                      >
                        New secret…
                      </MenuItem>
                      <MenuLine />
                      <MenuItem
                        icon={<Trash2 aria-hidden />}
                        danger
                        onSelect={() => setAsked({ what: "delete", webhook })}
                      >
                        Delete…
                      </MenuItem>
                    </Menu>
                  ),
                },
              ]
            : []),
        ]}
      />
      {(creating || asked?.what === "edit") && (
        <WebhookForm
          webhook={asked?.webhook}
          onClose={() => {
            setCreating(false);
            setAsked(undefined);
          }}
          onSaved={async (created) => {
            setSecret(created || undefined);
            await refresh();
          }}
        />
      )}
      <Confirm
        open={asked?.what === "secret"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Generate a new secret for ${asked?.webhook.name}?`}
        description="Requests are signed with the new secret from now on; the receiver has to know it."
        action="Generate secret"
        onConfirm={async () => {
          const params = { webhook: asked!.webhook.id };
          setSecret((await client.webhookUpdate({ params, body: { new_secret: true } })).secret);
        }}
      />
      <Confirm
        open={asked?.what === "delete"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Delete ${asked?.webhook.name}?`}
        description="Messages that were not sent to it yet are deleted, too."
        action="Delete webhook"
        onConfirm={() => client.webhookDelete({ params: { webhook: asked!.webhook.id } }).then(refresh)}
      />
      {secret && (
        <SecretDialog title="Secret of the webhook" secret={secret} onClose={() => setSecret(undefined)}>
          The receiver verifies the signatures of requests with it.
        </SecretDialog>
      )}
    </Page>
  );
}

const listOf = (text: string) => text.split(/[\s,]+/).filter(Boolean);

function WebhookForm(props: {
  webhook: Webhook | undefined;
  onClose(): void;
  onSaved(secret: string): Promise<void>;
}) {
  const { webhook, onClose, onSaved } = props;
  const [enabled, setEnabled] = useState(webhook?.enabled ?? true);
  const form = useForm({
    async submit(values) {
      const body = {
        name: values("name"),
        url: values("url"),
        resource_types: listOf(values("resource_types")),
        actions: listOf(values("actions")),
        enabled,
      };
      const { secret } = webhook
        ? await client.webhookUpdate({ params: { webhook: webhook.id }, body })
        : await client.webhookCreate({ body });
      await onSaved(secret);
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={webhook ? `Edit ${webhook.name}` : "Create webhook"}
      action={webhook ? "Save" : "Create webhook"}
    >
      <Field name="name" label="Name">
        <Input required autoFocus={!webhook} defaultValue={webhook?.name} maxLength={64} autoComplete="off" />
      </Field>
      <Field name="url" label="URL">
        <Input type="url" required defaultValue={webhook?.url} autoComplete="off" spellCheck={false} />
      </Field>
      <Field
        name="resource_types"
        label="Resource types"
        optional
        description="Such as user, template. Empty for all."
      >
        <Input defaultValue={webhook?.resource_types.join(", ")} autoComplete="off" spellCheck={false} />
      </Field>
      <Field name="actions" label="Actions" optional description="Such as create, delete. Empty for all.">
        <Input defaultValue={webhook?.actions.join(", ")} autoComplete="off" spellCheck={false} />
      </Field>
      <SwitchSetting checked={enabled} onChange={setEnabled} title="Enabled" />
    </FormDialog>
  );
}

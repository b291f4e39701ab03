import type { WorkspaceProxy } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, Globe, Pencil, Plus, RefreshCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { proxiesQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { SecretDialog } from "../modules/admin/secret-dialog.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Ago, isRealTime } from "../modules/format/time.js";
import { Icon } from "../modules/icons/icon.js";
import { usePermissions } from "../modules/session/session.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { Field, Input } from "../modules/ui/field.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Menu, MenuItem, MenuLine } from "../modules/ui/menu.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Pill } from "../modules/ui/pill.js";
import { Table } from "../modules/ui/table.js";

const STATUSES = {
  ok: { tone: "ok", label: "Healthy" },
  unhealthy: { tone: "warn", label: "Unhealthy" },
  unreachable: { tone: "bad", label: "Unreachable" },
  unregistered: { tone: "idle", label: "Not connected" },
} as const;

type Asked = { what: "edit" | "token" | "delete"; proxy: WorkspaceProxy };

/** `/deployment/proxies`: where people connect to workspaces. */
export function ProxiesPage() {
  useTitle("Workspace proxies");
  return (
    <Allowed allowed={usePermissions().readProxies}>
      <List />
    </Allowed>
  );
}

function List() {
  const proxies = useQuery(proxiesQuery);
  const queries = useQueryClient();
  const may = usePermissions().updateProxies;
  const [creating, setCreating] = useState(false);
  const [asked, setAsked] = useState<Asked>();
  const [secret, setSecret] = useState<string>();
  const refresh = () => queries.invalidateQueries({ queryKey: proxiesQuery.queryKey });
  return (
    <Page width="fluid">
      <PageHeader
        title="Workspace proxies"
        lead="Proxies near developers make connections to workspaces faster."
        actions={
          may && (
            <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
              Create proxy
            </Button>
          )
        }
      />
      <Table
        label="Workspace proxies"
        rows={proxies.data}
        keyOf={({ id }) => id}
        error={proxies.error}
        onRetry={() => void proxies.refetch()}
        rowPx={56}
        empty={<Empty icon={<Globe aria-hidden />} title="No workspace proxies" />}
        columns={[
          {
            id: "name",
            title: "Proxy",
            width: "minmax(0, 2fr)",
            cell: ({ name, display_name, icon_url, path_app_url }) => (
              <span className="flex items-center gap-3 py-1.5">
                <Icon url={icon_url} hints={["globe"]} />
                <span className="min-w-0">
                  <span className="block truncate font-medium">{display_name || name}</span>
                  <span className="block truncate text-muted text-sm">{path_app_url || name}</span>
                </span>
              </span>
            ),
          },
          {
            id: "version",
            title: "Version",
            width: "minmax(0, 8rem)",
            from: "lg",
            cell: ({ version }) => version,
          },
          {
            id: "checked",
            title: "Checked",
            width: "8rem",
            from: "md",
            cell: ({ status }) => (isRealTime(status?.checked_at) ? <Ago time={status.checked_at} /> : "–"),
          },
          {
            id: "status",
            title: "Status",
            width: "minmax(0, 1fr)",
            cell: ({ status }) => {
              const { tone, label } = STATUSES[status?.status ?? "unregistered"];
              const trouble = [...(status?.report?.errors ?? []), ...(status?.report?.warnings ?? [])][0];
              return (
                <span className="block min-w-0">
                  <Pill tone={tone}>{label}</Pill>
                  {trouble && (
                    <span className="block truncate text-muted text-sm" title={trouble}>
                      {trouble}
                    </span>
                  )}
                </span>
              );
            },
          },
          ...(may
            ? [
                {
                  id: "acts",
                  title: "Actions",
                  quiet: true,
                  end: true,
                  width: "2.25rem",
                  cell: (proxy: WorkspaceProxy) =>
                    // The primary proxy is configured with the deployment.
                    proxy.name === "primary" ? null : <Acts proxy={proxy} onAsk={setAsked} />,
                },
              ]
            : []),
        ]}
      />
      {creating && (
        <ProxyForm
          onClose={() => setCreating(false)}
          onSaved={async (token) => {
            setCreating(false);
            setSecret(token);
            await refresh();
          }}
        />
      )}
      {asked?.what === "edit" && (
        <ProxyForm
          proxy={asked.proxy}
          onClose={() => setAsked(undefined)}
          onSaved={async () => {
            setAsked(undefined);
            await refresh();
          }}
        />
      )}
      <Confirm
        open={asked?.what === "token"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Generate a new token for ${asked?.proxy.name}?`}
        description="The previous token stops working: the proxy is disconnected until it has the new one."
        action="Generate token"
        onConfirm={async () => {
          const { proxy_token } = await client.workspaceProxyUpdate({
            params: { proxy: asked!.proxy.id },
            body: { regenerate_token: true },
          });
          setSecret(proxy_token);
        }}
      />
      <Confirm
        open={asked?.what === "delete"}
        onClose={() => setAsked(undefined)}
        danger
        title={`Delete ${asked?.proxy.display_name || asked?.proxy.name}?`}
        description="Connections through it end. Users connect through another proxy."
        action="Delete proxy"
        onConfirm={async () => {
          await client.workspaceProxyDelete({ params: { proxy: asked!.proxy.id } });
          await refresh();
        }}
      />
      {secret && (
        <SecretDialog title="Token of the proxy" secret={secret} onClose={() => setSecret(undefined)}>
          Start the proxy with this token as <code className="font-mono">CODER_PROXY_SESSION_TOKEN</code>.
        </SecretDialog>
      )}
    </Page>
  );
}

function Acts({ proxy, onAsk }: { proxy: WorkspaceProxy; onAsk(asked: Asked): void }) {
  return (
    <Menu
      label={`Actions for ${proxy.name}`}
      trigger={
        <IconButton label={`More actions for ${proxy.name}`}>
          <Ellipsis aria-hidden />
        </IconButton>
      }
    >
      <MenuItem icon={<Pencil aria-hidden />} onSelect={() => onAsk({ what: "edit", proxy })}>
        Edit…
      </MenuItem>
      <MenuItem icon={<RefreshCw aria-hidden />} onSelect={() => onAsk({ what: "token", proxy })}>
        New token…
      </MenuItem>
      <MenuLine />
      <MenuItem icon={<Trash2 aria-hidden />} danger onSelect={() => onAsk({ what: "delete", proxy })}>
        Delete…
      </MenuItem>
    </Menu>
  );
}

function ProxyForm(props: {
  proxy?: WorkspaceProxy;
  onClose(): void;
  onSaved(token: string | undefined): Promise<void>;
}) {
  const { proxy, onClose, onSaved } = props;
  const form = useForm({
    async submit(values) {
      const body = {
        name: values("name"),
        display_name: values("display_name"),
        icon: values("icon"),
      };
      const { proxy_token } = proxy
        ? await client.workspaceProxyUpdate({ params: { proxy: proxy.id }, body })
        : await client.workspaceProxyCreate({ body });
      await onSaved(proxy_token);
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={proxy ? `Edit ${proxy.name}` : "Create proxy"}
      action={proxy ? "Save" : "Create proxy"}
    >
      <Field name="name" label="Name">
        <Input
          required
          autoFocus
          defaultValue={proxy?.name}
          maxLength={32}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field name="display_name" label="Display name" optional>
        <Input defaultValue={proxy?.display_name} maxLength={64} autoComplete="off" />
      </Field>
      <Field name="icon" label="Icon" optional description="A path such as /emojis/1f30f.png, or a URL.">
        <Input defaultValue={proxy?.icon_url} autoComplete="off" spellCheck={false} />
      </Field>
    </FormDialog>
  );
}

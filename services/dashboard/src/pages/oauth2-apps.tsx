import { useQuery, useQueryClient } from "@tanstack/react-query";
import { AppWindow, Plus } from "lucide-react";
import { useState } from "react";
import { Link, useNavigate } from "react-router";
import { oauthAppsQuery, oauthSettingsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { OauthAppFields, redirectsOf } from "../modules/admin/oauth-app-fields.js";
import { Ago } from "../modules/format/time.js";
import { Icon } from "../modules/icons/icon.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { SwitchSetting } from "../modules/ui/choice-setting.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { FormDialog, useForm } from "../modules/ui/form.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";
import { useAct } from "../modules/ui/toast.js";

/** `/deployment/oauth2-apps`: programs that sign users in through this deployment. */
export function Oauth2AppsPage() {
  useTitle("OAuth2 apps");
  return (
    <Allowed allowed={usePermissions().updateOauthApps}>
      <List />
    </Allowed>
  );
}

function List() {
  const apps = useQuery(oauthAppsQuery);
  const [creating, setCreating] = useState(false);
  return (
    <Page width="fluid">
      <PageHeader
        title="OAuth2 apps"
        lead="Other programs sign users in here, and act for them once they consent."
        actions={
          <Button look="primary" icon={<Plus aria-hidden />} onClick={() => setCreating(true)}>
            Create app
          </Button>
        }
      />
      <Registration />
      <Table
        label="OAuth2 apps"
        rows={apps.data}
        keyOf={({ id }) => id}
        error={apps.error}
        onRetry={() => void apps.refetch()}
        empty={<Empty icon={<AppWindow aria-hidden />} title="No apps yet" />}
        columns={[
          {
            id: "name",
            title: "App",
            width: "minmax(0, 1fr)",
            sort: ({ name }) => name,
            cell: ({ id, name, icon, dynamically_registered }) => (
              <span className="flex items-center gap-2.5">
                <Icon url={icon} hints={["web"]} />
                <Link
                  to={`/deployment/oauth2-apps/${id}`}
                  className="truncate rounded font-medium hover:underline"
                >
                  {name}
                </Link>
                {dynamically_registered && <Badge>Self-registered</Badge>}
              </span>
            ),
          },
          {
            id: "redirect",
            title: "Redirects to",
            width: "minmax(0, 1fr)",
            from: "md",
            cell: ({ callback_url }) => (
              <span className="block truncate font-mono text-muted text-sm">{callback_url}</span>
            ),
          },
          {
            id: "type",
            title: "Client",
            width: "8rem",
            from: "lg",
            cell: ({ client_type }) => (client_type === "public" ? "Public" : "Confidential"),
          },
          {
            id: "created",
            title: "Created",
            width: "8.5rem",
            from: "sm",
            sort: ({ created_at }) => created_at,
            cell: ({ created_at }) => <Ago time={created_at} />,
          },
        ]}
      />
      {creating && <CreateApp onClose={() => setCreating(false)} />}
    </Page>
  );
}

function Registration() {
  const act = useAct();
  const queries = useQueryClient();
  const settings = useQuery(oauthSettingsQuery).data;
  if (!settings) return null;
  return (
    <SwitchSetting
      checked={settings.dynamic_client_registration_enabled}
      onChange={(enabled) =>
        act(async () => {
          const saved = await client.oauth2SettingsUpdate({
            body: { dynamic_client_registration_enabled: enabled },
          });
          queries.setQueryData(oauthSettingsQuery.queryKey, saved);
        })
      }
      title="Apps may register themselves"
    >
      MCP clients and JetBrains Toolbox do. Users still have to consent.
    </SwitchSetting>
  );
}

function CreateApp({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const form = useForm({
    async submit(values) {
      const { id } = await client.oauth2AppCreate({
        body: {
          name: values("name"),
          icon: values("icon"),
          redirect_uris: redirectsOf(values("redirect_uris")),
          scope: values("scope"),
        },
      });
      await queries.invalidateQueries({ queryKey: oauthAppsQuery.queryKey });
      await navigate(`/deployment/oauth2-apps/${id}`);
    },
  });
  return (
    <FormDialog form={form} onClose={onClose} title="Create app" action="Create app">
      <OauthAppFields />
    </FormDialog>
  );
}

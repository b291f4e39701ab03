import type { OAuth2AppSecret, OAuth2ProviderApp } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useNavigate, useParams } from "react-router";
import { oauthAppQuery, oauthAppsQuery, oauthSecretsQuery } from "../api/admin.js";
import { client } from "../api/client.js";
import { isFleetError } from "../api/errors.js";
import { OauthAppFields, redirectsOf } from "../modules/admin/oauth-app-fields.js";
import { SecretDialog } from "../modules/admin/secret-dialog.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Confirm } from "../modules/ui/confirm.js";
import { CopyLine } from "../modules/ui/copy.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Empty, Page, PageHeader, Skeleton, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";
import { useAct, useToasts } from "../modules/ui/toast.js";
import { NotFoundPage } from "./not-found.js";

/** `/deployment/oauth2-apps/:app`. */
export function Oauth2AppPage() {
  const { app: id = "" } = useParams();
  const app = useQuery(oauthAppQuery(id));
  useTitle(app.data?.name ?? "OAuth2 app");
  if (isFleetError(app.error, "not_found")) return <NotFoundPage />;
  return (
    <Allowed allowed={usePermissions().updateOauthApps}>
      <Loaded query={app} skeleton={<Skeleton className="h-64 w-full rounded-xl" />}>
        {(found) => <LoadedApp app={found} />}
      </Loaded>
    </Allowed>
  );
}

function LoadedApp({ app }: { app: OAuth2ProviderApp }) {
  return (
    <Page width="narrow">
      <PageHeader crumbs={[{ to: "/deployment/oauth2-apps", label: "OAuth2 apps" }]} title={app.name} />
      <div className="flex flex-col gap-10">
        <FormSection title="Client">
          <dl className="flex flex-col gap-4">
            {(
              [
                ["Client ID", app.id],
                ["Authorization URL", app.endpoints.authorization],
                ["Token URL", app.endpoints.token],
              ] as const
            ).map(([name, value]) => (
              <div key={name} className="flex flex-col gap-1.5">
                <dt className="font-medium text-sm">{name}</dt>
                <dd>
                  <CopyLine text={value} />
                </dd>
              </div>
            ))}
          </dl>
        </FormSection>
        {app.client_type === "confidential" && <Secrets app={app} />}
        <Settings key={app.id} app={app} />
        <Danger app={app} />
      </div>
    </Page>
  );
}

function Secrets({ app }: { app: OAuth2ProviderApp }) {
  const act = useAct();
  const queries = useQueryClient();
  const secrets = useQuery(oauthSecretsQuery(app.id));
  const [created, setCreated] = useState<string>();
  const [removed, setRemoved] = useState<OAuth2AppSecret>();
  const refresh = () => queries.invalidateQueries({ queryKey: oauthSecretsQuery(app.id).queryKey });
  return (
    <FormSection
      table
      title="Client secrets"
      lead="Several can be valid, so that one is replaced without an interruption."
    >
      <Table
        label="Client secrets"
        rows={secrets.data}
        keyOf={({ id }) => id}
        error={secrets.error}
        onRetry={() => void secrets.refetch()}
        empty={<Empty icon={<KeyRound aria-hidden />} title="No secrets yet" />}
        columns={[
          {
            id: "secret",
            title: "Secret",
            width: "minmax(0, 1fr)",
            cell: ({ client_secret_truncated }) => (
              <span className="font-mono text-sm">{client_secret_truncated}</span>
            ),
          },
          {
            id: "used",
            title: "Last used",
            width: "8rem",
            cell: ({ last_used_at }) => <Ago time={last_used_at} />,
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "2.25rem",
            cell: (secret) => (
              <IconButton
                label={`Delete the secret ${secret.client_secret_truncated}`}
                onClick={() => setRemoved(secret)}
              >
                <Trash2 aria-hidden />
              </IconButton>
            ),
          },
        ]}
      />
      <div>
        <Button
          size="sm"
          icon={<Plus aria-hidden />}
          onClick={() =>
            act(async () => {
              const secret = await client.oauth2AppSecretCreate({ params: { oauth2App: app.id } });
              setCreated(secret.client_secret_full);
              await refresh();
            })
          }
        >
          Create secret
        </Button>
      </div>
      {created && (
        <SecretDialog title="Client secret" secret={created} onClose={() => setCreated(undefined)} />
      )}
      <Confirm
        open={removed !== undefined}
        onClose={() => setRemoved(undefined)}
        danger
        title="Delete the secret?"
        description="The app can no longer sign in with it."
        action="Delete secret"
        onConfirm={async () => {
          await client.oauth2AppSecretDelete({
            params: { oauth2App: app.id, oauth2Secret: removed!.id },
          });
          await refresh();
        }}
      />
    </FormSection>
  );
}

function Settings({ app }: { app: OAuth2ProviderApp }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const form = useForm({
    async submit(values) {
      await client.oauth2AppUpdate({
        params: { oauth2App: app.id },
        body: {
          name: values("name"),
          icon: values("icon"),
          redirect_uris: redirectsOf(values("redirect_uris")),
          scope: values("scope"),
        },
      });
      await queries.invalidateQueries({ queryKey: oauthAppsQuery.queryKey });
      toasts.done("App saved.");
    },
  });
  return (
    <Form form={form} className="flex flex-col gap-5">
      <FormSection title="Settings">
        <OauthAppFields app={app} />
      </FormSection>
      <FormFailure />
      <div>
        <SubmitButton form={form}>Save</SubmitButton>
      </div>
    </Form>
  );
}

function Danger({ app }: { app: OAuth2ProviderApp }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  return (
    <div>
      <Button icon={<Trash2 aria-hidden />} onClick={() => setAsking(true)}>
        Delete app…
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={`Delete ${app.name}?`}
        description="Its secrets and tokens stop working, and users are signed out of it."
        action="Delete app"
        typeToConfirm={app.name}
        onConfirm={async () => {
          await client.oauth2AppDelete({ params: { oauth2App: app.id } });
          await navigate("/deployment/oauth2-apps");
          queries.removeQueries({ queryKey: oauthAppQuery(app.id).queryKey });
          await queries.invalidateQueries({ queryKey: oauthAppsQuery.queryKey });
        }}
      />
    </div>
  );
}

import type { UserSession } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { LogIn } from "lucide-react";
import { useState } from "react";
import { client } from "../api/client.js";
import { authMethodsQuery } from "../api/session.js";
import { sessionsQuery } from "../api/users.js";
import { Ago } from "../modules/format/time.js";
import { useUser } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormDialog, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { FormSection } from "../modules/ui/form-section.js";
import { Badge, Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Table } from "../modules/ui/table.js";
import { useAct, useToasts } from "../modules/ui/toast.js";

const LOGINS: Record<string, string> = { password: "Password", oidc: "OpenID Connect", github: "GitHub" };

/** `/settings/security`: how the user signs in, and where they are signed in. */
export function SecurityPage() {
  useTitle("Security");
  const user = useUser();
  return (
    <Page width="narrow">
      <PageHeader title="Security" />
      <div className="flex flex-col gap-10">
        {user.login_type === "password" ? (
          <>
            <Password />
            <OtherSignIn />
          </>
        ) : (
          <p className="text-muted">You sign in with {LOGINS[user.login_type] ?? "tokens"}.</p>
        )}
        <Sessions />
      </div>
    </Page>
  );
}

function Password() {
  const toasts = useToasts();
  // A new key remounts the form empty.
  const [changes, setChanges] = useState(0);
  const form = useForm({
    async submit(values) {
      await client.userPasswordUpdate({
        params: { user: "me" },
        body: { old_password: values("old_password"), password: values("password") },
      });
      toasts.done("Password changed.");
      setChanges(changes + 1);
    },
  });
  return (
    <FormSection title="Password" lead="Changing the password signs you out of all other sessions.">
      <Form key={changes} form={form} className="flex max-w-md flex-col gap-5">
        <Field name="old_password" label="Current password">
          <Input type="password" required autoComplete="current-password" />
        </Field>
        <Field name="password" label="New password">
          <Input type="password" required minLength={8} autoComplete="new-password" />
        </Field>
        <FormFailure />
        <div>
          <SubmitButton form={form} look="secondary">
            Change password
          </SubmitButton>
        </div>
      </Form>
    </FormSection>
  );
}

const CALLBACKS = { oidc: "/api/v2/users/oidc/callback", github: "/api/v2/users/oauth2/github/callback" };
type Provider = keyof typeof CALLBACKS;

/** Changes from the password to a provider; nothing where the deployment has none. */
function OtherSignIn() {
  const methods = useQuery(authMethodsQuery).data;
  const [asked, setAsked] = useState<Provider>();
  const offered = (["oidc", "github"] as const).filter((provider) => methods?.[provider].enabled);
  if (offered.length === 0) return null;
  return (
    <FormSection
      title="Sign-in method"
      lead="Use a provider instead of the password. Its account must have your email address."
    >
      <div className="flex flex-wrap gap-2">
        {offered.map((provider) => (
          <Button key={provider} icon={<LogIn aria-hidden />} onClick={() => setAsked(provider)}>
            Change to {LOGINS[provider]}…
          </Button>
        ))}
      </div>
      {asked && <Convert to={asked} onClose={() => setAsked(undefined)} />}
    </FormSection>
  );
}

function Convert({ to, onClose }: { to: Provider; onClose(): void }) {
  const form = useForm({
    async submit(values) {
      const { state_string } = await client.convertLogin({
        params: { user: "me" },
        body: { to_type: to, password: values("password") },
      });
      const query = new URLSearchParams({ oidc_merge_state: state_string, redirect: "/settings/security" });
      location.assign(`${CALLBACKS[to]}?${query}`);
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title={`Change to ${LOGINS[to]}`}
      description="Your password and all sessions end. You continue at the provider."
      action="Continue"
    >
      <Field name="password" label="Current password">
        <Input type="password" required autoFocus autoComplete="current-password" />
      </Field>
    </FormDialog>
  );
}

function Sessions() {
  const sessions = useQuery(sessionsQuery);
  const queries = useQueryClient();
  const act = useAct();
  const end = ({ id }: UserSession) =>
    act(async () => {
      await client.keyDelete({ params: { user: "me", key: id } });
      await queries.invalidateQueries({ queryKey: sessionsQuery.queryKey });
    }, "Session ended.");
  return (
    <FormSection table title="Sessions" lead="Browsers and command lines that are signed in.">
      <Table
        label="Sessions"
        rows={sessions.data}
        keyOf={({ id }) => id}
        error={sessions.error}
        onRetry={() => void sessions.refetch()}
        empty={<Empty title="No sessions" />}
        columns={[
          {
            id: "where",
            title: "Address",
            width: "minmax(0, 1fr)",
            cell: ({ ip_address, current }) => (
              <span className="flex items-center gap-2">
                <span className="truncate font-mono text-sm">{ip_address || "Unknown"}</span>
                {current && <Badge tone="ok">This session</Badge>}
              </span>
            ),
          },
          {
            id: "login",
            title: "Signed in with",
            width: "9rem",
            from: "md",
            cell: ({ login_type }) => LOGINS[login_type] ?? login_type,
          },
          {
            id: "created",
            title: "Signed in",
            width: "8.5rem",
            from: "sm",
            cell: ({ created_at }) => <Ago time={created_at} />,
          },
          {
            id: "used",
            title: "Last used",
            width: "8.5rem",
            cell: ({ last_used }) => <Ago time={last_used} />,
          },
          {
            id: "acts",
            title: "Actions",
            quiet: true,
            end: true,
            width: "4.5rem",
            cell: (session) =>
              session.current ? null : (
                <Button size="sm" look="ghost" onClick={() => end(session)}>
                  Sign out
                </Button>
              ),
          },
        ]}
      />
    </FormSection>
  );
}

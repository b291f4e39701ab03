import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { Link, Navigate, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { authMethodsQuery, buildInfoQuery, hasFirstUserQuery, sessionQuery } from "../api/session.js";
import { destinationOf } from "../modules/session/redirect.js";
import { Gate } from "../modules/shell/gate.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { useTitle } from "../modules/ui/page.js";

export function LoginPage() {
  useTitle("Sign in");
  const [search] = useSearchParams();
  const destination = destinationOf(search.get("redirect"), location.origin);
  const session = useQuery(sessionQuery);
  const hasFirstUser = useQuery(hasFirstUserQuery);
  const signedIn = Boolean(session.data);

  useEffect(() => {
    // Workspace apps are served by the proxy, so this needs a full page load.
    if (signedIn && destination.kind === "app") location.replace(destination.path);
  }, [signedIn, destination.kind, destination.path]);

  if (signedIn) return destination.kind === "page" ? <Navigate to={destination.path} replace /> : null;
  if (hasFirstUser.data === false) return <Navigate to="/setup" replace />;
  if (session.isPending || hasFirstUser.isPending) return null;
  return (
    <Gate title="Sign in" lead="Sign in to use your workspaces." foot={<Foot />}>
      <SignIn />
    </Gate>
  );
}

function SignIn() {
  const queries = useQueryClient();
  const methods = useQuery(authMethodsQuery);
  const [search] = useSearchParams();
  const redirect = search.get("redirect") ?? "";
  const form = useForm({
    async submit(values) {
      await client.login({ body: { email: values("email"), password: values("password") } });
      queries.removeQueries({ queryKey: ["permissions"] });
      await queries.fetchQuery({ ...sessionQuery, staleTime: 0 });
    },
  });
  const query = redirect ? `?redirect=${encodeURIComponent(redirect)}` : "";
  return (
    <div className="flex flex-col gap-4">
      {methods.data?.oidc.enabled && (
        <Button asChild className="w-full">
          <a href={`/api/v2/users/oidc/callback${query}`}>
            {methods.data.oidc.iconUrl && <img src={methods.data.oidc.iconUrl} alt="" className="size-4" />}
            {methods.data.oidc.signInText || "OpenID Connect"}
          </a>
        </Button>
      )}
      {methods.data?.github.enabled && (
        <Button asChild className="w-full">
          <a href={`/api/v2/users/oauth2/github/callback${query}`}>Sign in with GitHub</a>
        </Button>
      )}
      {methods.data?.password.enabled !== false && (
        <Form form={form}>
          <Field name="email" label="Email">
            <Input type="email" required autoFocus autoComplete="username" />
          </Field>
          <Field name="password" label="Password">
            <Input type="password" required autoComplete="current-password" />
          </Field>
          <FormFailure />
          <SubmitButton form={form}>Sign in</SubmitButton>
          <Link to="/reset-password" className="text-muted text-sm">
            Forgot password?
          </Link>
        </Form>
      )}
    </div>
  );
}

function Foot() {
  const terms = useQuery(authMethodsQuery).data?.terms_of_service_url;
  return (
    <div className="flex justify-between gap-4">
      <Version />
      {terms && (
        <a href={terms} target="_blank" rel="noreferrer" className="underline hover:text-ink">
          Terms of service
        </a>
      )}
    </div>
  );
}

function Version() {
  const info = useQuery(buildInfoQuery);
  return info.data ? <>Version {info.data.version}</> : null;
}

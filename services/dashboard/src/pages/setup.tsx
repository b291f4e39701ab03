import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Navigate } from "react-router";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { hasFirstUserQuery, sessionQuery } from "../api/session.js";
import { Gate } from "../modules/shell/gate.js";
import { Button } from "../modules/ui/button.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { useTitle } from "../modules/ui/page.js";

export function SetupPage() {
  useTitle("Set up");
  const hasFirstUser = useQuery(hasFirstUserQuery);
  const session = useQuery(sessionQuery);
  if (session.data) return <Navigate to="/templates" replace />;
  if (hasFirstUser.data === true) return <Navigate to="/login" replace />;
  if (hasFirstUser.isPending) return null;
  return (
    <Gate
      title="Set up your deployment"
      lead="Create the first user. It owns the deployment and can invite everyone else."
    >
      {hasFirstUser.isError ? (
        <ErrorNotice error={hasFirstUser.error} onRetry={() => void hasFirstUser.refetch()} />
      ) : (
        <FirstUserForm />
      )}
    </Gate>
  );
}

function FirstUserForm() {
  const queries = useQueryClient();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    setPending(true);
    setError(undefined);
    try {
      const [email, password] = [text("email"), text("password")];
      await client.userFirstCreate({
        body: { email, username: text("username"), name: text("name"), password, trial: false },
      });
      await client.login({ body: { email, password } });
      await queries.fetchQuery({ ...sessionQuery, staleTime: 0 });
      queries.setQueryData(hasFirstUserQuery.queryKey, true);
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <form onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
      <Field label="Full name" optional error={fields.name}>
        <Input name="name" autoComplete="name" autoFocus />
      </Field>
      <Field
        label="Username"
        error={fields.username}
        description="Letters, digits and single hyphens. It is part of your workspaces' addresses."
      >
        <Input
          name="username"
          required
          maxLength={32}
          pattern="[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
          title="Letters, digits and single hyphens"
          autoComplete="username"
        />
      </Field>
      <Field label="Email" error={fields.email}>
        <Input name="email" type="email" required autoComplete="email" />
      </Field>
      <Field label="Password" error={fields.password}>
        <Input name="password" type="password" required minLength={8} autoComplete="new-password" />
      </Field>
      {error !== undefined && <ErrorNotice error={error} />}
      <Button type="submit" look="primary" pending={pending}>
        Create the first user
      </Button>
    </form>
  );
}

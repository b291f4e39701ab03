import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Navigate } from "react-router";
import { client } from "../api/client.js";
import { hasFirstUserQuery, sessionQuery } from "../api/session.js";
import { NAME_PATTERN, NAME_RULE } from "../modules/format/names.js";
import { Gate } from "../modules/shell/gate.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
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
      lead="Create the first user. This account is the owner of the deployment."
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
  const form = useForm({
    async submit(values) {
      const [email, password] = [values("email"), values("password")];
      await client.userFirstCreate({
        body: { email, username: values("username"), name: values("name"), password, trial: false },
      });
      await client.login({ body: { email, password } });
      await queries.fetchQuery({ ...sessionQuery, staleTime: 0 });
      queries.setQueryData(hasFirstUserQuery.queryKey, true);
    },
  });
  return (
    <Form form={form}>
      <Field name="name" label="Full name" optional>
        <Input autoComplete="name" autoFocus />
      </Field>
      <Field name="username" label="Username" description="Part of your workspaces' URLs.">
        <Input required maxLength={32} pattern={NAME_PATTERN} title={NAME_RULE} autoComplete="username" />
      </Field>
      <Field name="email" label="Email">
        <Input type="email" required autoComplete="email" />
      </Field>
      <Field name="password" label="Password">
        <Input type="password" required minLength={8} autoComplete="new-password" />
      </Field>
      <FormFailure />
      <SubmitButton form={form}>Create account</SubmitButton>
    </Form>
  );
}

import { useQueryClient } from "@tanstack/react-query";
import { client } from "../api/client.js";
import { sessionKey } from "../api/session.js";
import { useUser } from "../modules/session/session.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
import { Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";

/** `/settings/account`: the user's profile. */
export function AccountPage() {
  useTitle("Account");
  const user = useUser();
  const queries = useQueryClient();
  const toasts = useToasts();
  const form = useForm({
    async submit(values) {
      await client.userProfileUpdate({
        params: { user: "me" },
        body: { username: values("username"), name: values("name") },
      });
      await queries.invalidateQueries({ queryKey: sessionKey });
      toasts.done("Profile updated.");
    },
  });
  return (
    <Page width="narrow">
      <PageHeader title="Account" />
      <Form form={form} className="flex max-w-md flex-col gap-5">
        <Field label="Email">
          <Input value={user.email} disabled readOnly />
        </Field>
        <Field
          name="username"
          label="Username"
          description="Part of your workspaces' URLs. URLs with the old username stop working."
        >
          <Input defaultValue={user.username} required maxLength={32} autoComplete="username" />
        </Field>
        <Field name="name" label="Full name" optional>
          <Input defaultValue={user.name} autoComplete="name" />
        </Field>
        <FormFailure />
        <div>
          <SubmitButton form={form}>Save</SubmitButton>
        </div>
      </Form>
    </Page>
  );
}

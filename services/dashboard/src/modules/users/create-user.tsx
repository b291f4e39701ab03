import { useQuery, useQueryClient } from "@tanstack/react-query";
import { client } from "../../api/client.js";
import { organizationsQuery, usersKey } from "../../api/users.js";
import { NAME_PATTERN, NAME_RULE } from "../format/names.js";
import { Field, Input } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";
import { useToasts } from "../ui/toast.js";

export function CreateUser({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const organizations = useQuery(organizationsQuery);
  const form = useForm({
    async submit(values) {
      const organization = organizations.data?.find(({ is_default }) => is_default);
      const user = await client.userCreate({
        body: {
          username: values("username"),
          email: values("email"),
          name: values("name"),
          password: values("password"),
          login_type: "password",
          user_status: "active",
          ...(organization ? { organization_ids: [organization.id] } : {}),
        },
      });
      await queries.invalidateQueries({ queryKey: usersKey });
      toasts.done(`User ${user.username} created.`);
      onClose();
    },
  });
  return (
    <FormDialog
      form={form}
      onClose={onClose}
      title="Create user"
      description="Share the password with the user over a secure channel. They can change it after they sign in."
      action="Create user"
    >
      <Field name="username" label="Username">
        <Input
          required
          autoFocus
          maxLength={32}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          autoComplete="off"
        />
      </Field>
      <Field name="name" label="Full name" optional>
        <Input autoComplete="off" />
      </Field>
      <Field name="email" label="Email">
        <Input type="email" required autoComplete="off" />
      </Field>
      <Field name="password" label="Password">
        <Input type="password" required minLength={8} autoComplete="new-password" />
      </Field>
    </FormDialog>
  );
}

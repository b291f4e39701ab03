import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { client } from "../../api/client.js";
import { readError } from "../../api/errors.js";
import { organizationsQuery, usersKey } from "../../api/users.js";
import { Button } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { Field, Input } from "../ui/field.js";
import { ErrorNotice } from "../ui/notice.js";
import { useToasts } from "../ui/toast.js";

export function CreateUser({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const organizations = useQuery(organizationsQuery);
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name) ?? "");
    const organization = organizations.data?.find(({ is_default }) => is_default);
    setPending(true);
    setError(undefined);
    try {
      const user = await client.userCreate({
        body: {
          username: text("username"),
          email: text("email"),
          name: text("name"),
          password: text("password"),
          login_type: "password",
          user_status: "active",
          ...(organization ? { organization_ids: [organization.id] } : {}),
        },
      });
      await queries.invalidateQueries({ queryKey: usersKey });
      toasts.done(`${user.username} can sign in.`);
      onClose();
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Dialog
      open
      onClose={onClose}
      title="Create a user"
      description="Hand the password over by a safe way; the user can change it."
      footer={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" form="create-user" look="primary" pending={pending}>
            Create user
          </Button>
        </>
      }
    >
      <form id="create-user" onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        <Field label="Username" error={fields.username}>
          <Input
            name="username"
            required
            autoFocus
            maxLength={32}
            pattern="[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
            title="Letters, digits and single hyphens"
            autoComplete="off"
          />
        </Field>
        <Field label="Full name" optional error={fields.name}>
          <Input name="name" autoComplete="off" />
        </Field>
        <Field label="Email" error={fields.email}>
          <Input name="email" type="email" required autoComplete="off" />
        </Field>
        <Field label="Password" error={fields.password}>
          <Input name="password" type="password" required minLength={8} autoComplete="new-password" />
        </Field>
        {error !== undefined && <ErrorNotice error={error} />}
      </form>
    </Dialog>
  );
}

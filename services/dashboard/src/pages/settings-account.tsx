import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { client } from "../api/client.js";
import { readError } from "../api/errors.js";
import { sessionKey } from "../api/session.js";
import { useUser } from "../modules/session/session.js";
import { setTheme, type Theme, useTheme } from "../modules/theme/theme.js";
import { Button } from "../modules/ui/button.js";
import { RadioCards } from "../modules/ui/choice.js";
import { Field, Input } from "../modules/ui/field.js";
import { ErrorNotice } from "../modules/ui/notice.js";
import { Section, useTitle } from "../modules/ui/page.js";
import { useToasts } from "../modules/ui/toast.js";

export function AccountPage() {
  useTitle("Account");
  const user = useUser();
  return (
    <>
      <Profile />
      {user.login_type === "password" && <Password />}
      <ThemeChoice />
    </>
  );
}

function Profile() {
  const user = useUser();
  const queries = useQueryClient();
  const toasts = useToasts();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setPending(true);
    setError(undefined);
    try {
      await client.userProfileUpdate({
        params: { user: "me" },
        body: { username: String(form.get("username")), name: String(form.get("name")) },
      });
      await queries.invalidateQueries({ queryKey: sessionKey });
      toasts.done("Your profile is saved.");
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Section title="Profile">
      <form onSubmit={(event) => void submit(event)} className="flex max-w-md flex-col gap-4">
        <Field label="Email">
          <Input value={user.email} disabled readOnly />
        </Field>
        <Field
          label="Username"
          error={fields.username}
          description="It is part of your workspaces' addresses: those that people kept end with the old name."
        >
          <Input
            name="username"
            defaultValue={user.username}
            required
            maxLength={32}
            autoComplete="username"
          />
        </Field>
        <Field label="Full name" optional error={fields.name}>
          <Input name="name" defaultValue={user.name} autoComplete="name" />
        </Field>
        {error !== undefined && <ErrorNotice error={error} />}
        <div>
          <Button type="submit" size="sm" pending={pending}>
            Save
          </Button>
        </div>
      </form>
    </Section>
  );
}

function Password() {
  const queries = useQueryClient();
  const toasts = useToasts();
  const [pending, setPending] = useState(false);
  const [error, setError] = useState<unknown>();
  const { fields } = readError(error ?? "");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setPending(true);
    setError(undefined);
    try {
      await client.userPasswordUpdate({
        params: { user: "me" },
        body: { old_password: String(form.get("old")), password: String(form.get("next")) },
      });
      toasts.done("The password is changed. Sign in with it.");
      await queries.invalidateQueries({ queryKey: sessionKey });
    } catch (failure) {
      setError(failure);
    } finally {
      setPending(false);
    }
  }

  return (
    <Section title="Password" lead="Every session ends, this one too: sign in again afterwards.">
      <form onSubmit={(event) => void submit(event)} className="flex max-w-md flex-col gap-4">
        <Field label="Current password" error={fields.old_password}>
          <Input name="old" type="password" required autoComplete="current-password" />
        </Field>
        <Field label="New password" error={fields.password}>
          <Input name="next" type="password" required minLength={8} autoComplete="new-password" />
        </Field>
        {error !== undefined && <ErrorNotice error={error} />}
        <div>
          <Button type="submit" size="sm" pending={pending}>
            Change password
          </Button>
        </div>
      </form>
    </Section>
  );
}

function ThemeChoice() {
  return (
    <Section title="Theme" lead="In this browser.">
      <RadioCards
        label="Theme"
        value={useTheme()}
        options={[
          { value: "system", label: "As the system" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
        onChange={(theme) => setTheme(theme as Theme)}
      />
    </Section>
  );
}

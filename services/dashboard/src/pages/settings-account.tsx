import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../api/client.js";
import { sessionKey } from "../api/session.js";
import { useUser } from "../modules/session/session.js";
import { setTheme, type Theme, useTheme } from "../modules/theme/theme.js";
import { RadioCards } from "../modules/ui/choice.js";
import { Field, Input } from "../modules/ui/field.js";
import { Form, FormFailure, SubmitButton, useForm } from "../modules/ui/form.js";
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
    <Section title="Profile">
      <Form form={form} className="flex max-w-md flex-col gap-4">
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
          <SubmitButton form={form} look="secondary" size="sm">
            Save
          </SubmitButton>
        </div>
      </Form>
    </Section>
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
    <Section title="Password" lead="Changing the password signs you out of all other sessions.">
      <Form key={changes} form={form} className="flex max-w-md flex-col gap-4">
        <Field name="old_password" label="Current password">
          <Input type="password" required autoComplete="current-password" />
        </Field>
        <Field name="password" label="New password">
          <Input type="password" required minLength={8} autoComplete="new-password" />
        </Field>
        <FormFailure />
        <div>
          <SubmitButton form={form} look="secondary" size="sm">
            Change password
          </SubmitButton>
        </div>
      </Form>
    </Section>
  );
}

function ThemeChoice() {
  return (
    <Section title="Theme" lead="Applies to this browser.">
      <RadioCards
        label="Theme"
        value={useTheme()}
        options={[
          { value: "system", label: "System" },
          { value: "light", label: "Light" },
          { value: "dark", label: "Dark" },
        ]}
        onChange={(theme) => setTheme(theme as Theme)}
      />
    </Section>
  );
}

import type { LoginType } from "@fleet/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { client } from "../../api/client.js";
import { authMethodsQuery } from "../../api/session.js";
import { organizationsQuery, usersKey } from "../../api/users.js";
import { NAME_PATTERN, NAME_RULE } from "../format/names.js";
import { Field, Input } from "../ui/field.js";
import { FormDialog, useForm } from "../ui/form.js";
import { Select } from "../ui/select.js";
import { useToasts } from "../ui/toast.js";
import { NewPassword } from "./new-password.js";

type Kind = "password" | "oidc" | "github" | "none" | "service";

const KINDS: Record<Kind, { label: string; description: string }> = {
  password: { label: "Password", description: "You choose the first password." },
  oidc: { label: "OpenID Connect", description: "The user signs in with the identity provider." },
  github: { label: "GitHub", description: "The user signs in with GitHub." },
  none: { label: "No sign-in", description: "An administrator creates tokens for the user." },
  service: { label: "Service account", description: "For automation: no email, signs in with tokens only." },
};

export function CreateUser({ onClose }: { onClose(): void }) {
  const queries = useQueryClient();
  const toasts = useToasts();
  const organizations = useQuery(organizationsQuery).data ?? [];
  const methods = useQuery(authMethodsQuery).data;
  const [kind, setKind] = useState<Kind>("password");
  const [chosen, setChosen] = useState<string>();
  const organization = chosen ?? organizations.find(({ is_default }) => is_default)?.id;
  const offered: Kind[] = [
    "password",
    ...(methods?.oidc.enabled ? (["oidc"] as const) : []),
    ...(methods?.github.enabled ? (["github"] as const) : []),
    "service",
    "none",
  ];
  const form = useForm({
    async submit(values) {
      const user = await client.userCreate({
        body: {
          username: values("username"),
          email: kind === "service" ? "" : values("email"),
          name: values("name"),
          ...(kind === "password" ? { password: values("password") } : {}),
          ...(kind === "service" ? { service_account: true } : { login_type: kind as LoginType }),
          user_status: "active",
          ...(organization ? { organization_ids: [organization] } : {}),
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
      description={
        kind === "password"
          ? "Share the password with the user over a secure channel. They can change it after they sign in."
          : KINDS[kind].description
      }
      action="Create user"
    >
      <Field name="login_type" label="Sign-in">
        <Select
          value={kind}
          options={offered.map((value) => ({ value, ...KINDS[value] }))}
          onChange={(value) => setKind(value as Kind)}
        />
      </Field>
      <Field name="username" label="Username">
        <Input
          required
          autoFocus
          maxLength={32}
          pattern={NAME_PATTERN}
          title={NAME_RULE}
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field name="name" label={kind === "service" ? "Display name" : "Full name"} optional>
        <Input autoComplete="off" />
      </Field>
      {kind !== "service" && (
        <Field name="email" label="Email">
          <Input type="email" required autoComplete="off" />
        </Field>
      )}
      {kind === "password" && <NewPassword label="Password" />}
      {organizations.length > 1 && (
        <Field name="organization_ids" label="Organization">
          <Select
            value={organization}
            options={organizations.map(({ id, name, display_name }) => ({
              value: id,
              label: display_name || name,
            }))}
            onChange={setChosen}
          />
        </Field>
      )}
    </FormDialog>
  );
}

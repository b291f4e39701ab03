import type { OAuth2ProviderApp } from "@fleet/sdk";
import { Field, Input, Textarea } from "../ui/field.js";

/** The lines of the field. */
export function redirectsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .map((line) => line.trim())
    .filter(Boolean);
}

/** The fields of a new app, or of one that exists. */
export function OauthAppFields({ app }: { app?: OAuth2ProviderApp }) {
  return (
    <>
      <Field name="name" label="Name" description="Users see it when they are asked for consent.">
        <Input required autoFocus={!app} defaultValue={app?.name} maxLength={64} autoComplete="off" />
      </Field>
      <Field name="redirect_uris" label="Redirect URIs" description="One on each line, compared exactly.">
        <Textarea
          required
          rows={2}
          defaultValue={app?.redirect_uris.join("\n")}
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <Field
        name="scope"
        label="Scopes"
        optional
        description="Limits what the app can ask for, separated by spaces. Empty for no limit."
      >
        <Input
          defaultValue={app?.scope}
          autoComplete="off"
          spellCheck={false}
          className="font-mono text-sm!"
        />
      </Field>
      <Field name="icon" label="Icon" optional description="A path such as /icon/k8s.svg, or a URL.">
        <Input defaultValue={app?.icon} autoComplete="off" spellCheck={false} />
      </Field>
    </>
  );
}

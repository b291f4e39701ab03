import type { TemplateVersionExternalAuth } from "@fleet/sdk";
import { CircleCheck } from "lucide-react";
import { useEffect, useEffectEvent } from "react";
import { Icon } from "../icons/icon.js";
import { safeHref } from "../markdown/safe-href.js";
import { Button } from "../ui/button.js";
import { Section } from "../ui/page.js";

/** External auth providers that the template requires. Refetched when the page regains focus. */
export function ExternalAuthList(props: { providers: TemplateVersionExternalAuth[]; onRefresh(): void }) {
  const refresh = useEffectEvent(props.onRefresh);
  useEffect(() => {
    const onFocus = () => refresh();
    window.addEventListener("focus", onFocus);
    return () => window.removeEventListener("focus", onFocus);
  }, []);
  return (
    <Section title="External accounts" lead="The template uses these accounts on your behalf.">
      <ul className="flex flex-col gap-2">
        {props.providers.map((provider) => (
          <li key={provider.id} className="flex items-center gap-3">
            <Icon url={provider.display_icon} hints={[provider.type]} />
            <span className="flex-1">
              {provider.display_name}
              {provider.optional && <span className="text-muted"> (optional)</span>}
            </span>
            {provider.authenticated ? (
              <span className="flex items-center gap-1.5 text-ok text-sm">
                <CircleCheck className="size-4" aria-hidden />
                Signed in
              </span>
            ) : provider.authenticate_url === "" ? (
              <span className="text-muted text-sm">
                Not configured on this deployment. Ask an administrator.
              </span>
            ) : (
              <Button size="sm" asChild>
                <a href={safeHref(provider.authenticate_url) ?? "#"} target="_blank" rel="noreferrer">
                  Sign in
                </a>
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}

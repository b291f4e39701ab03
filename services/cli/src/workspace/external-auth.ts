import { FleetError } from "@fleet/base";
import type { TemplateVersionExternalAuth } from "@fleet/sdk";
import type { Context } from "../context.js";
import { openInBrowser } from "../ui/browser.js";

const POLL_MS = 1000;
const LIMIT_MS = 10 * 60_000;

/** Asks the user to sign in to each required provider, and waits. */
export async function requireExternalAuth(context: Context, version: string): Promise<void> {
  for (const provider of await missingProviders(context, version)) {
    const name = provider.display_name || provider.id;
    if (provider.authenticate_url === "") {
      throw new FleetError(
        "failed_precondition",
        `The template requires the external auth provider "${provider.id}", which is not configured on this deployment. Ask an administrator.`,
      );
    }
    if (!context.interactive) {
      throw new FleetError(
        "failed_precondition",
        `The template requires you to sign in to ${name} first: ${provider.authenticate_url}`,
      );
    }
    context.note(`The template requires ${name}. Sign in at: ${provider.authenticate_url}`);
    void openInBrowser(provider.authenticate_url);
    const until = context.clock.now().getTime() + LIMIT_MS;
    while ((await missingProviders(context, version)).some(({ id }) => id === provider.id)) {
      if (context.clock.now().getTime() > until) {
        throw new FleetError(
          "deadline_exceeded",
          `Timed out after 10 minutes waiting for you to sign in to ${name}.`,
        );
      }
      await context.clock.sleep(POLL_MS, context.signal);
    }
  }
}

async function missingProviders(context: Context, version: string): Promise<TemplateVersionExternalAuth[]> {
  const { client } = await context.session();
  const all = await client.templateVersionExternalAuth({ params: { version } });
  return all.filter((provider) => !provider.authenticated && !provider.optional);
}

import { Command } from "commander";
import type { Context } from "../../context.js";

export function oauth2ProviderCommand(context: Context): Command {
  return new Command("oauth2-provider").description("Manage the deployment as an OAuth2 provider").addCommand(
    new Command("dcr")
      .description("Manage dynamic client registration (RFC 7591)")
      .addCommand(registrationCommand(context, "enable", true))
      .addCommand(registrationCommand(context, "disable", false)),
  );
}

function registrationCommand(context: Context, name: string, enabled: boolean): Command {
  const description = enabled
    ? "Let apps register themselves"
    : "Do not let apps register themselves; those that did are not affected";
  return new Command(name).description(description).action(async () => {
    const { client } = await context.session();
    await client.oauth2SettingsUpdate({ body: { dynamic_client_registration_enabled: enabled } });
    context.note(`Dynamic client registration is ${enabled ? "enabled" : "disabled"}.`);
  });
}

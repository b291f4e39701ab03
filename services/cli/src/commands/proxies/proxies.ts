import { FleetError } from "@fleet/base";
import type { WorkspaceProxy } from "@fleet/sdk";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printList, withListOutput } from "../../ui/output.js";
import { askConsent } from "../../ui/prompt.js";
import type { Column } from "../../ui/table.js";

const COLUMNS: Column<WorkspaceProxy>[] = [
  { name: "name", text: (proxy) => proxy.name },
  { name: "url", text: (proxy) => proxy.path_app_url },
  { name: "wildcard", extra: true, text: (proxy) => proxy.wildcard_hostname },
  { name: "status", text: (proxy) => proxy.status?.status ?? "" },
  { name: "version", text: (proxy) => proxy.version },
  { name: "id", extra: true, text: (proxy) => proxy.id },
];

export function proxiesCommand(context: Context): Command {
  return new Command("wsproxy")
    .alias("workspace-proxy")
    .description("Manage workspace proxies")
    .addCommand(createCommand(context))
    .addCommand(listCommand(context))
    .addCommand(editCommand(context))
    .addCommand(regenerateCommand(context))
    .addCommand(deleteCommand(context));
}

function createCommand(context: Context): Command {
  return new Command("create")
    .description("Create a proxy and print its token (shown only once)")
    .requiredOption("--name <name>", "Name")
    .option("--display-name <name>", "Display name")
    .option("--icon <url>", "Icon URL")
    .action(async (options: { name: string; displayName?: string; icon?: string }) => {
      const { client } = await context.session();
      const { proxy_token } = await client.workspaceProxyCreate({
        body: { name: options.name, display_name: options.displayName, icon: options.icon },
      });
      context.note("Set CODER_PROXY_SESSION_TOKEN of the proxy to the token below. It is shown only once.");
      context.print(proxy_token ?? "");
    });
}

function listCommand(context: Context): Command {
  return withListOutput(new Command("ls").alias("list").description("List proxies"), COLUMNS).action(
    async (options: OutputOptions) => {
      const { client } = await context.session();
      printList(context, options, COLUMNS, (await client.workspaceProxyList()).regions);
    },
  );
}

function editCommand(context: Context): Command {
  return new Command("edit")
    .description("Edit a proxy")
    .argument("<proxy>", "Name or ID")
    .option("--name <name>", "Name")
    .option("--display-name <name>", "Display name")
    .option("--icon <url>", "Icon URL")
    .action(async (proxy: string, options: { name?: string; displayName?: string; icon?: string }) => {
      const { name, displayName: display_name, icon } = options;
      if (name === undefined && display_name === undefined && icon === undefined) {
        throw new FleetError("invalid_argument", "Nothing to change. Pass --name, --display-name or --icon.");
      }
      const { client } = await context.session();
      await client.workspaceProxyUpdate({ params: { proxy }, body: { name, display_name, icon } });
      context.note(`Updated proxy ${name ?? proxy}.`);
    });
}

function regenerateCommand(context: Context): Command {
  return new Command("regenerate-token")
    .description("Generate a new token for a proxy; the previous token stops working")
    .argument("<proxy>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (proxy: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(
        context,
        `Generate a new token for ${proxy}? The proxy stops working until it uses the new token.`,
        yes,
      );
      const { proxy_token } = await client.workspaceProxyUpdate({
        params: { proxy },
        body: { regenerate_token: true },
      });
      context.print(proxy_token ?? "");
    });
}

function deleteCommand(context: Context): Command {
  return new Command("delete")
    .alias("rm")
    .description("Delete a proxy")
    .argument("<proxy>")
    .option("-y, --yes", "Do not ask for confirmation")
    .action(async (proxy: string, { yes }: { yes?: boolean }) => {
      const { client } = await context.session();
      await askConsent(context, `Delete proxy ${proxy}?`, yes);
      await client.workspaceProxyDelete({ params: { proxy } });
      context.note(`Deleted proxy ${proxy}.`);
    });
}

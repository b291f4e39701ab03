import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, printList, withListOutput } from "../../ui/output.js";
import type { Column } from "../../ui/table.js";

type Claim = { key: string; value: unknown };

const COLUMNS: Column<Claim>[] = [
  { name: "key", text: ({ key }) => key },
  { name: "value", text: ({ value }) => (typeof value === "string" ? value : JSON.stringify(value)) },
];

export function oidcClaimsCommand(context: Context): Command {
  return withListOutput(
    new Command("oidc-claims").description(
      "Show the OpenID Connect claims of your last sign-in, to which sync settings refer",
    ),
    COLUMNS,
  ).action(async (options: OutputOptions) => {
    const { client } = await context.session();
    const response = await client.oidcClaims();
    if (options.output === "json") return printJson(context, response);
    const claims = Object.entries(response.claims)
      .map(([key, value]) => ({ key, value }))
      .sort((a, b) => a.key.localeCompare(b.key));
    if (claims.length === 0) context.note("You have not signed in with OpenID Connect.");
    else printList(context, options, COLUMNS, claims);
  });
}

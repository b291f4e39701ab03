import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { ExitStatus } from "../../exit-status.js";
import { agentClient } from "./agent-client.js";

export function externalAuthCommand(context: Context): Command {
  return new Command("external-auth")
    .description("Get credentials for external services, from within a workspace")
    .addCommand(
      new Command("access-token")
        .description(
          "Print an access token. If you are not signed in to the service, print the URL to sign in at and exit with status 1.",
        )
        .argument("<provider>", "ID of the provider")
        .option(
          "--extra <field>",
          "Print a field of the token's additional properties instead, such as authed_user.id",
        )
        .action((id: string, { extra }: { extra?: string }) => accessToken(context, id, extra)),
    );
}

async function accessToken(context: Context, id: string, extra: string | undefined): Promise<void> {
  const client = await agentClient(context);
  const { access_token, token_extra, url } = await client.agentSelfExternalAuth({ query: { id } });
  // Scripts read the token, or else the URL, from standard output.
  if (!access_token) {
    context.print(url);
    throw new ExitStatus(1);
  }
  if (extra === undefined) return context.print(access_token);
  const value = fieldOf(token_extra, extra);
  if (value === undefined) {
    throw new FleetError("not_found", `The token has no property "${extra}".`);
  }
  context.print(typeof value === "string" ? value : JSON.stringify(value));
}

/** A field at a path of names with dots between them. */
function fieldOf(value: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((at, name) => {
    const holds = typeof at === "object" && at !== null && Object.hasOwn(at, name);
    return holds ? (at as Record<string, unknown>)[name] : undefined;
  }, value);
}

/** True if git runs this program to ask for credentials: with the prompt as its only argument. */
export function isAskpassQuestion(args: readonly string[]): boolean {
  return args.length === 1 && /^(Username|Password) for 'https?:\/\//.test(args[0]!);
}

/** Answers git's prompt from the owner's external authentication, and waits for the owner to sign in if needed. */
export async function answerAskpass(context: Context, question: string): Promise<void> {
  const [, what, address] = /^(Username|Password) for '(.+?)'/.exec(question)!;
  const url = new URL(address!);
  const match = `${url.protocol}//${url.host}${url.pathname}`;
  const client = await agentClient(context);
  let answer = await client.agentSelfExternalAuth({ query: { match } });
  if (answer.url) {
    context.note(`Sign in to continue: ${answer.url}`);
    answer = await client.agentSelfExternalAuth({ query: { match, listen: true } });
  }
  context.print(what === "Username" ? answer.username : answer.password);
}

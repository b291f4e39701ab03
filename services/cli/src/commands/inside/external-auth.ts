import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { agentClient } from "./agent-client.js";

export function externalAuthCommand(context: Context): Command {
  return new Command("external-auth")
    .description("Get credentials for external services, from within a workspace")
    .addCommand(
      new Command("access-token")
        .description(
          "Print an access token. If you are not signed in to the service, print the URL to sign in at and fail.",
        )
        .argument("<provider>", "ID of the provider")
        .action(async (id: string) => {
          const client = await agentClient(context);
          const { access_token, url } = await client.agentSelfExternalAuth({ query: { id } });
          if (access_token) return context.print(access_token);
          context.print(url);
          throw new FleetError(
            "failed_precondition",
            `Not signed in to ${id}. Open the URL above to sign in.`,
          );
        }),
    );
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

import { FleetError } from "@fleet/base";
import { Command } from "commander";
import type { Context } from "../../context.js";
import { agentClient } from "./agent-client.js";

export function externalAuthCommand(context: Context): Command {
  return new Command("external-auth")
    .description("Get your credentials for other services, inside a workspace")
    .addCommand(
      new Command("access-token")
        .description("Print an access token; where you have not signed in yet, print where to, and fail")
        .argument("<provider>", "its id")
        .action(async (id: string) => {
          const client = await agentClient(context);
          const { access_token, url } = await client.agentSelfExternalAuth({ query: { id } });
          if (access_token) return context.print(access_token);
          context.print(url);
          throw new FleetError(
            "failed_precondition",
            `You have not signed in to ${id} yet. The page is above.`,
          );
        }),
    );
}

/** True for how git calls the program that it asks for credentials: with the question as the only argument. */
export function isAskpassQuestion(args: readonly string[]): boolean {
  return args.length === 1 && /^(Username|Password) for 'https?:\/\//.test(args[0]!);
}

/** Answers git's question from the owner's external sign-ins, waiting for the owner to sign in where need be. */
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

import { Command } from "commander";
import type { Context } from "../../context.js";
import { type OutputOptions, printJson, withTextOutput } from "../../ui/output.js";
import { ago } from "../../ui/time.js";
import { findWorkspace } from "../../workspace/find.js";
import { repositoryLines } from "../../workspace/unpushed-work.js";

const UNAVAILABLE = {
  template: "The workspace's template does not check for unpushed work.",
  user: "The check for unpushed work is turned off. Turn it on with: coder unpushed-work enable",
  no_report: "The workspace's agents have not checked for unpushed work yet.",
};

export function unpushedWorkCommand(context: Context): Command {
  return new Command("unpushed-work")
    .description("Show git repositories with uncommitted or unpushed work, which deleting a workspace loses")
    .addCommand(
      withTextOutput(
        new Command("show").description("Show the repositories of a workspace with unpushed work"),
      )
        .argument("<workspace>")
        .action((name: string, options: OutputOptions) => show(context, name, options)),
    )
    .addCommand(
      new Command("enable")
        .description("Check your workspaces for unpushed work, where their templates allow it (default)")
        .action(() => set(context, true)),
    )
    .addCommand(
      new Command("disable")
        .description("Do not check your workspaces for unpushed work")
        .action(() => set(context, false)),
    );
}

async function show(context: Context, name: string, { output }: OutputOptions): Promise<void> {
  const { client } = await context.session();
  const { id } = await findWorkspace(client, name);
  const work = await client.workspaceUnpushedWork({ params: { workspace: id } });
  if (output === "json") return printJson(context, work);
  if (work.unavailable) return context.note(UNAVAILABLE[work.unavailable]);
  if (work.repositories.length === 0) context.note("No unpushed work found.");
  else context.print(repositoryLines(work.repositories).join("\n"));
  const more = work.complete ? "" : " The search was not complete, so there may be more.";
  context.note(
    context.colors.dim(`Last checked ${ago(work.collected_at, context.clock.now()) || "now"}.${more}`),
  );
}

async function set(context: Context, enabled: boolean): Promise<void> {
  const { client } = await context.session();
  await client.userUnpushedWorkCheckUpdate({ params: { user: "me" }, body: { enabled } });
  context.note(
    enabled
      ? "Your workspaces are checked for unpushed work, from the next start of their agents."
      : "Your workspaces are no longer checked for unpushed work.",
  );
}

import { isFleetError } from "@fleet/base";
import type { UnpushedRepository, Workspace } from "@fleet/sdk";
import type { Context } from "../context.js";

/** What a user is about to do to a workspace. */
export type Loss = "stop" | "delete";

/**
 * Names the git repositories whose uncommitted or unpushed work would be lost. True if there are any. A deployment that
 * cannot tell holds nobody up.
 */
export async function warnOfUnpushedWork(
  context: Context,
  workspace: Workspace,
  loss: Loss,
): Promise<boolean> {
  const { client } = await context.session();
  const params = { workspace: workspace.id };
  const work = await client.workspaceUnpushedWork({ params }).catch((error) => {
    if (isFleetError(error, "not_found", "permission_denied", "unavailable", "deadline_exceeded", "internal"))
      return undefined;
    throw error;
  });
  const lost = (work?.repositories ?? []).filter(({ lost_on_stop }) => loss === "delete" || lost_on_stop);
  if (lost.length === 0) return false;
  const what = loss === "stop" ? `Stopping ${workspace.name}` : `Deleting ${workspace.name}`;
  context.note(
    context.colors.yellow(`${what} loses work that was not pushed:\n${repositoryLines(lost).join("\n")}`),
  );
  return true;
}

/** One line for each repository: its path, and what of it exists only there. */
export function repositoryLines(repositories: readonly UnpushedRepository[]): string[] {
  const width = Math.max(...repositories.map(({ path }) => path.length));
  return repositories.map((repository) => `  ${repository.path.padEnd(width)}  ${workText(repository)}`);
}

function workText({ changed_files, stashes, branches }: UnpushedRepository): string {
  return [
    ...(changed_files > 0 ? [counted(changed_files, "changed file")] : []),
    ...(stashes > 0 ? [`${stashes} ${stashes === 1 ? "stash" : "stashes"}`] : []),
    ...branches.map(({ name, commits, has_upstream }) => {
      const where = name === "" ? "detached HEAD" : has_upstream ? name : `${name} without upstream`;
      return `${counted(commits, "unpushed commit")} (${where})`;
    }),
  ].join(", ");
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

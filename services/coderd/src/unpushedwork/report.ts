/** Work that exists only in the workspace, of one git repository. */
export type Repository = {
  path: string;
  /** Changed, added, deleted and untracked files. */
  changedFiles: number;
  stashes: number;
  branches: Branch[];
  /** On a file system that ends with the workspace's container. */
  onEphemeralStorage: boolean;
};

/** A branch with commits that no remote has; without a name for commits that no branch contains. */
export type Branch = { name: string; commits: number; hasUpstream: boolean };

/** What an agent found when it looked last. */
export type Report = { agentName: string; collectedAt: Date; complete: boolean; repositories: Repository[] };

/** Repositories of a report, branches of a repository, and characters of a path or of a branch's name. */
const MAX_REPOSITORIES = 100;
const MAX_BRANCHES = 20;
const MAX_TEXT = 1_024;
const MAX_COUNT = 2_147_483_647;
/** Repositories that a message names; the rest is counted. */
const NAMED = 5;

/** An agent's report within its bounds, whatever the agent sent. */
export function bounded(repositories: readonly Repository[]): Repository[] {
  return repositories.slice(0, MAX_REPOSITORIES).map((repository) => ({
    path: text(repository.path),
    changedFiles: count(repository.changedFiles),
    stashes: count(repository.stashes),
    branches: repository.branches.slice(0, MAX_BRANCHES).map(({ name, commits, hasUpstream }) => ({
      name: text(name),
      commits: count(commits),
      hasUpstream,
    })),
    onEphemeralStorage: repository.onEphemeralStorage,
  }));
}

/** A sentence that names what a deletion of the workspace would lose; empty if nothing is known. */
export function sentenceOf(reports: readonly Pick<Report, "repositories">[] = []): string {
  const repositories = reports.flatMap((report) => report.repositories);
  if (repositories.length === 0) return "";
  const named = repositories.slice(0, NAMED).map(({ path }) => path);
  const more = repositories.length - named.length;
  const list = [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
  return `Deleting it also deletes uncommitted or unpushed work in: ${list}.`;
}

const text = (value: string) => value.slice(0, MAX_TEXT);
const count = (value: number) => Math.max(0, Math.min(MAX_COUNT, Math.trunc(value) || 0));

import type { WorkspaceBuild } from "@fleet/sdk";
import type { FrontDoor } from "../../../e2e/cluster/installation.js";
import { waitUntil } from "../../../e2e/cluster/wait.js";
import { coder } from "../../../e2e/cluster/workspace.js";

const TEMPLATE = "scripts/bench/scale/template";
/** The line that terraform prints once per run of a job. */
const DONE = "Creation complete";

/** Builds that wait: each is the first build of its own workspace. */
export type WaitingJobs = {
  /** Starts this many builds; returns the IDs of their workspaces. */
  start(count: number): Promise<string[]>;
  builds(workspaces: readonly string[]): Promise<WorkspaceBuild[]>;
  /** Waits until none of them is pending or running. */
  ended(workspaces: readonly string[], seconds: number): Promise<WorkspaceBuild[]>;
  /** How often each build was run. */
  timesCarriedOut(builds: readonly WorkspaceBuild[]): Promise<number[]>;
};

/** Pushes the template, whose jobs each wait for this many seconds. */
export async function prepareJobs(door: FrontDoor, seconds: number): Promise<WaitingJobs> {
  const { client } = door;
  await coder(door, [
    "templates",
    "push",
    "wait",
    "--directory",
    TEMPLATE,
    "--variable",
    `seconds=${seconds}`,
    "--yes",
  ]);
  const [template] = (await client.templateList({})).filter(({ name }) => name === "wait");
  if (!template) throw new Error("The pushed template is not listed.");
  let made = 0;

  const builds: WaitingJobs["builds"] = async (workspaces) => {
    const wanted = new Set(workspaces);
    const found: WorkspaceBuild[] = [];
    for (let offset = 0; ; offset += 100) {
      const page = await client.workspaceList({ query: { q: "template:wait", limit: 100, offset } });
      found.push(
        ...page.workspaces.filter(({ id }) => wanted.has(id)).map(({ latest_build }) => latest_build),
      );
      if (page.workspaces.length < 100) return found;
    }
  };

  return {
    async start(count) {
      const creations = Array.from({ length: count }, async () => {
        const body = { name: `wait-${++made}`, template_id: template.id };
        return (await client.workspaceCreate({ params: { user: "me" }, body })).id;
      });
      return Promise.all(creations);
    },
    builds,
    ended: (workspaces, limit) =>
      waitUntil("the jobs to end", limit, async () => {
        const found = await builds(workspaces);
        const open = found.filter(({ job }) => job.completed_at === undefined || job.completed_at === null);
        if (found.length === workspaces.length && open.length === 0) return found;
        throw new Error(`${open.length} of ${found.length} are still running`);
      }),
    timesCarriedOut: (builds) =>
      Promise.all(
        builds.map(async ({ id }) => {
          const logs = await client.workspaceBuildLogs({ params: { build: id } });
          return logs.filter(({ output }) => output.includes(DONE)).length;
        }),
      ),
  };
}

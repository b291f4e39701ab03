import { nullLogger } from "@fleet/base";
import type { UpdateJobResponse } from "@fleet/proto-gen/provisioner";
import type { Template, Workspace } from "@fleet/sdk";
import { reapJobs } from "../provisionerjobs/reap.js";
import { reconcileQueue } from "../provisionerjobs/reconcile.js";
import type { TestCoderd, TestUser } from "./coderd.js";
import { built, createTemplate, createWorkspace, startProvisioner } from "./work.js";

/** The clock as it will be. */
export const clockAhead = (ms: number) => ({ now: () => new Date(Date.now() + ms) }) as never;

/** Reconciles as if recently committed jobs were old. */
export const reconcile = ({ coderd: { domain } }: TestCoderd) =>
  reconcileQueue({
    store: domain.jobStore,
    queue: domain.queue,
    clock: clockAhead(60_000),
    logger: nullLogger,
  });

/** Reaps as if daemons had been silent for half a minute. */
export function reap({ coderd: { domain } }: TestCoderd, kinds = domain.kinds) {
  const pubsub = { publish() {} } as never;
  const { jobStore: store } = domain;
  return reapJobs({
    store,
    kinds,
    pubsub,
    clock: clockAhead(31_000),
    logger: nullLogger,
    lostAfterMs: 30_000,
  });
}

/** A workspace that has been built, with no daemon left. */
export async function templateAndWorkspace(
  server: TestCoderd,
  owner: TestUser,
): Promise<{ template: Template; workspace: Workspace }> {
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  return { template, workspace };
}

/** The first answer to a daemon's updates. */
export async function firstAnswer(stream: AsyncIterable<UpdateJobResponse>): Promise<UpdateJobResponse> {
  for await (const answer of stream) return answer;
  throw new Error("The stream ended without an answer.");
}

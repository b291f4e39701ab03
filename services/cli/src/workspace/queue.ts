import type { MatchedProvisioners, ProvisionerJob } from "@fleet/sdk";
import type { Context } from "../context.js";

/** Explains why a new job has not started, if that may take a while. */
export function noteQueue(
  { note, colors }: Pick<Context, "note" | "colors">,
  { job, matched_provisioners: matched }: { job: ProvisionerJob; matched_provisioners?: MatchedProvisioners },
): void {
  if (job.status !== "pending") return;
  if (matched && matched.available === 0) {
    const tags = Object.entries(job.tags)
      .filter(([, value]) => value !== "")
      .map(([name, value]) => `${name}=${value}`)
      .join(" ");
    note(
      colors.yellow(
        `No connected provisioner matches the tags ${tags}. The build starts as soon as one connects. Administrators can list provisioners with: coder provisioner list`,
      ),
    );
  } else if (job.queue_position > 1) {
    note(
      colors.dim(
        `Waiting for a provisioner (position ${job.queue_position} of ${job.queue_size} in the queue)…`,
      ),
    );
  }
}

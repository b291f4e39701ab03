import type { ProvisionerJob } from "@fleet/sdk";
import { Notice } from "../ui/notice.js";
import { JobTags, tellingTags } from "./job-tags.js";

type QueueNoticeProps = {
  job: ProvisionerJob;
  matched: { count: number; available: number } | undefined;
};

/** Explains why a job has not started, and what to do. */
export function QueueNotice({ job, matched }: QueueNoticeProps) {
  const { queue_position, queue_size, tags } = job;
  if (matched && matched.available === 0) {
    return (
      <Notice tone="warn" title="No provisioner is available">
        {tellingTags(tags).length > 0 ? (
          <span className="flex flex-wrap items-center gap-1">
            The build needs a provisioner with the tags <JobTags tags={tags} />
          </span>
        ) : (
          "No provisioner is connected."
        )}{" "}
        The build starts automatically when one connects. Contact your administrator if it does not.
      </Notice>
    );
  }
  return (
    <Notice title="Waiting for a provisioner">
      {queue_size > 1
        ? `Position ${Math.max(1, queue_position)} of ${queue_size} in the queue.`
        : "The build is next in the queue."}
    </Notice>
  );
}

import type { ProvisionerJob } from "@fleet/sdk";
import { Notice } from "../ui/notice.js";
import { Badge } from "../ui/page.js";

/** Tags that every job of an organization has: they tell nobody which provisioner is missing. */
function tellingTags(tags: Record<string, string>): [string, string][] {
  return Object.entries(tags).filter(
    ([key, value]) => value !== "" && !(key === "scope" && value === "organization"),
  );
}

/** Why a job has not begun, and what can be done about it. */
export function QueueNotice({
  job,
  matched,
}: {
  job: ProvisionerJob;
  matched: { count: number; available: number } | undefined;
}) {
  const { queue_position, queue_size } = job;
  if (matched && matched.available === 0) {
    const tags = tellingTags(job.tags);
    return (
      <Notice tone="warn" title="No provisioner is available">
        {tags.length > 0 ? (
          <span className="flex flex-wrap items-center gap-1">
            The build needs a provisioner with the tags
            {tags.map(([key, value]) => (
              <Badge key={key}>
                {key}={value}
              </Badge>
            ))}
          </span>
        ) : (
          "No provisioner is connected. "
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

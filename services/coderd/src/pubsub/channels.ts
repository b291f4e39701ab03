/** Names of the pub/sub channels that jobs speak on. A message is a hint: what is true is in Postgres. */

/** The job's state changed. */
export const jobChannel = (jobId: string) => `job:${jobId}`;

/** The job's log grew, or the job ended. */
export const jobLogsChannel = (jobId: string) => `job:${jobId}:logs`;

/** A queue that nobody may know of has work. */
export const QUEUES_CHANNEL = "provisioner:queues";

/** Something of the workspace changed. */
export const workspaceChannel = (workspaceId: string) => `workspace:${workspaceId}`;

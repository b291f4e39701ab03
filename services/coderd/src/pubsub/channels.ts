/** Names of the job pub/sub channels. Messages are only hints; the data is in Postgres. */

/** The job's state changed. */
export const jobChannel = (jobId: string) => `job:${jobId}`;

/** The job's log grew, or the job ended. */
export const jobLogsChannel = (jobId: string) => `job:${jobId}:logs`;

/** A queue that daemons may not know about has work. */
export const QUEUES_CHANNEL = "provisioner:queues";

/** A job became pending. */
export const PENDING_JOBS_CHANNEL = "provisioner:pending";

/** The workspace changed. */
export const workspaceChannel = (workspaceId: string) => `workspace:${workspaceId}`;

/** Somebody wants the agents of a workspace to look for unpushed work; for the replicas that hold their streams. */
export const UNPUSHED_WORK_WANTED_CHANNEL = "agents:unpushed-work";
/** The workspace, a prebuild, belongs to the user who claimed it, and its agents start again. */
export const claimedChannel = (workspaceId: string) => `workspace:${workspaceId}:claimed`;

/** The user has another workspace. */
export const ownedWorkspacesChannel = (userId: string) => `user:${userId}:workspaces`;

/** A user has signed in to an external auth provider. */
export const externalAuthChannel = (userId: string) => `external-auth:${userId}`;

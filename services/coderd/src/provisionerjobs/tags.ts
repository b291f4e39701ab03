import { createHash } from "node:crypto";

/** Always include `scope` and `owner`. */
export type Tags = Readonly<Record<string, string>>;

/** The tags of a job or daemon that sets none. */
export const UNTAGGED: Tags = { owner: "", scope: "organization" };

/** Makes scope and owner explicit: `scope=user` belongs to the user, anything else to the organization. */
export function completeTags(tags: Tags | undefined, userId: string): Tags {
  const own = { ...tags };
  if (own.scope === "user") return { ...own, owner: userId };
  return { ...own, scope: "organization", owner: "" };
}

function canonical(tags: Tags): [string, string][] {
  return Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Tags in the format daemons receive, sorted by name: `key=value,key=value`. */
export function formatTags(tags: Tags): string {
  return canonical(tags)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

export function isUntagged(tags: Tags): boolean {
  return JSON.stringify(canonical(tags)) === JSON.stringify(canonical(UNTAGGED));
}

/** An untagged job runs only on untagged daemons; a tagged one on daemons whose tags include all of the job's. */
export function covers(daemonTags: Tags, jobTags: Tags): boolean {
  if (isUntagged(jobTags)) return isUntagged(daemonTags);
  return Object.entries(jobTags).every(([key, value]) => daemonTags[key] === value);
}

export type QueueKey = { organizationId: string; provisioner: string; tags: Tags };

/** The queue shared by all jobs that the same daemons can take. */
export function queueNameOf({ organizationId, provisioner, tags }: QueueKey): string {
  const key = JSON.stringify([organizationId, provisioner, canonical(tags)]);
  return `provisioner-${createHash("sha256").update(key).digest("hex").slice(0, 16)}`;
}

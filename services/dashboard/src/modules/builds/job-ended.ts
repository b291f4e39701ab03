import type { ProvisionerJob } from "@fleet/sdk";

/** Polling interval for a job whose log ended first. */
const RECHECK_MS = 2_000;

/**
 * Resolves with the object that contains the job once the job has ended. Waits for the end of its log stream instead of
 * polling; a broken stream is reopened.
 */
export async function jobEnded<T extends { job: ProvisionerJob }>(options: {
  read(): Promise<T>;
  follow(): AsyncIterable<unknown>;
  signal?: AbortSignal;
}): Promise<T> {
  for (let first = true; ; first = false) {
    options.signal?.throwIfAborted();
    const found = await options.read();
    if (found.job.completed_at) return found;
    if (!first) await new Promise((resolve) => setTimeout(resolve, RECHECK_MS));
    try {
      for await (const _ of options.follow());
    } catch {
      // The next check shows whether it matters.
    }
  }
}

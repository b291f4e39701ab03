import type { ProvisionerJob } from "@fleet/sdk";

/** Between two looks at a job whose log ended before the job did. */
const RECHECK_MS = 2_000;

/**
 * Resolves with what holds the job once the job has ended. Its log stream ends with it, so that nothing is polled while it
 * runs; a stream that broke off is followed again.
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
      // Whether it matters, the next look tells.
    }
  }
}

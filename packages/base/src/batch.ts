export type Batcher<In, Out> = (item: In) => Promise<Out>;

export type BatchOptions = {
  /** Maximum items per batch. */
  limit: number;
  /** Maximum concurrent batches. */
  parallel?: number;
};

/**
 * Gathers calls that arrive while another batch is in flight, so that a burst costs a few round trips and a single call
 * does not wait. A failed batch is retried item by item: one bad item fails alone.
 */
export function createBatcher<In, Out>(
  run: (items: In[]) => Promise<Out[]>,
  { limit, parallel = 1 }: BatchOptions,
): Batcher<In, Out> {
  type Entry = { item: In; resolve(value: Out): void; reject(error: unknown): void };
  const waiting: Entry[] = [];
  let running = 0;
  let scheduled = false;

  async function runEach(entries: Entry[]): Promise<void> {
    for (const { item, resolve, reject } of entries) {
      await run([item]).then(([value]) => resolve(value as Out), reject);
    }
  }

  async function runBatch(entries: Entry[]): Promise<void> {
    try {
      const values = await run(entries.map((entry) => entry.item));
      for (const [i, entry] of entries.entries()) entry.resolve(values[i] as Out);
    } catch (error) {
      if (entries.length === 1) entries[0]!.reject(error);
      else await runEach(entries);
    } finally {
      running -= 1;
      schedule();
    }
  }

  function schedule(): void {
    if (scheduled || running >= parallel || waiting.length === 0) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      running += 1;
      void runBatch(waiting.splice(0, limit));
      schedule();
    });
  }

  return (item) =>
    new Promise<Out>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}

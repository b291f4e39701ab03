import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";

export type BareQueue = {
  /** Adds the jobs, processes them all, and returns jobs per second. */
  run(jobs: number): Promise<number>;
  close(): Promise<void>;
};

const PREFIX = "bare";

/** BullMQ alone: a queue in this process, and workers in separate processes that do nothing with a job. */
export async function startBareQueue(url: string, processes: number, slots: number): Promise<BareQueue> {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  const queue = new Queue("bare", {
    connection,
    prefix: PREFIX,
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  const children: ChildProcess[] = [];
  for (let i = 0; i < processes; i++) {
    const child = fork(process.argv[1]!, ["bullmq-worker", url, String(slots)]);
    children.push(child);
    await once(child, "message");
  }
  let done = 0;
  let finished = () => {};
  let wanted = 0;
  for (const child of children) {
    child.on("message", (count: number) => {
      done += count;
      if (done >= wanted) finished();
    });
  }
  return {
    async run(jobs) {
      done = 0;
      wanted = jobs;
      const end = new Promise<void>((resolve) => {
        finished = resolve;
      });
      const started = performance.now();
      await Promise.all(
        Array.from({ length: jobs }, (_, i) => queue.add("job", { id: String(i) }, { priority: 10 })),
      );
      await end;
      return jobs / ((performance.now() - started) / 1000);
    },
    async close() {
      for (const child of children) child.kill();
      await queue.close();
      connection.disconnect();
    },
  };
}

/** The main function of a worker process: reports its finished jobs to its parent, a few times a second at most. */
export function runBullmqWorker(url: string, slots: number): void {
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  let unreported = 0;
  const worker = new Worker(
    "bare",
    async () => {
      unreported += 1;
      if (unreported === 1) setImmediate(tell);
    },
    { connection, prefix: PREFIX, concurrency: slots },
  );
  worker.on("error", () => {});
  const tell = () => {
    process.send!(unreported);
    unreported = 0;
  };
  void worker.waitUntilReady().then(() => process.send!(0));
}

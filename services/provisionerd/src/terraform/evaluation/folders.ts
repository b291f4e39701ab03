import type { Isolation, JobIsolation } from "../../isolation/isolation.js";
import type { WorkFolders } from "../workdir.js";

/** Reduced configurations kept for the next evaluation of their versions. */
const MAX_FOLDERS = 32;

/** A version's reduced configuration; closing it lets it be removed when others are more recent. */
export type EvaluationFolder<T> = Disposable & { path: string; content: T; boundary: JobIsolation };

export type EvaluationFolders<T> = {
  /** The folder for this key, filled when it is first asked for. Callers that come meanwhile share it. */
  open(key: string, fill: (path: string) => Promise<T>): Promise<EvaluationFolder<T>>;
};

type Made<T> = { path: string; content: T; boundary: JobIsolation; remove(): Promise<void> };
type Held<T> = { ready: Promise<Made<T>>; users: number };

export function createEvaluationFolders<T>(work: WorkFolders, isolation: Isolation): EvaluationFolders<T> {
  /** Least recently used first. */
  const folders = new Map<string, Held<T>>();

  async function make(fill: (path: string) => Promise<T>): Promise<Made<T>> {
    const place = await work.create("evaluation");
    const boundary = await isolation.enter("evaluation", place);
    const remove = async () => {
      await boundary[Symbol.asyncDispose]();
      await work.remove(place.place);
    };
    try {
      const content = await fill(place.folder);
      await boundary.handOver(place.folder);
      return { path: place.folder, content, boundary, remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  function evict(): void {
    for (const [key, held] of folders) {
      if (folders.size <= MAX_FOLDERS) return;
      if (held.users > 0) continue;
      folders.delete(key);
      held.ready.then(({ remove }) => remove()).catch(() => {});
    }
  }

  return {
    async open(key, fill) {
      const held = folders.get(key) ?? { ready: make(fill), users: 0 };
      folders.delete(key);
      folders.set(key, held);
      held.users += 1;
      const release = () => {
        held.users -= 1;
        evict();
      };
      try {
        const { path, content, boundary } = await held.ready;
        return { path, content, boundary, [Symbol.dispose]: release };
      } catch (error) {
        if (folders.get(key) === held) folders.delete(key);
        release();
        throw error;
      }
    },
  };
}

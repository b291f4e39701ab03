import type { WorkFolders } from "../workdir.js";

/** Reduced configurations kept for the next evaluation of their versions. */
const MAX_FOLDERS = 32;

/** A version's reduced configuration; closing it lets it be removed when others are more recent. */
export type EvaluationFolder<T> = Disposable & { path: string; content: T };

export type EvaluationFolders<T> = {
  /** The folder for this key, filled when it is first asked for. Callers that come meanwhile share it. */
  open(key: string, fill: (path: string) => Promise<T>): Promise<EvaluationFolder<T>>;
};

type Held<T> = { ready: Promise<{ place: string; path: string; content: T }>; users: number };

export function createEvaluationFolders<T>(work: WorkFolders): EvaluationFolders<T> {
  /** Least recently used first. */
  const folders = new Map<string, Held<T>>();

  async function make(fill: (path: string) => Promise<T>) {
    const { place, folder: path } = await work.create("evaluation");
    try {
      return { place, path, content: await fill(path) };
    } catch (error) {
      await work.remove(place);
      throw error;
    }
  }

  function evict(): void {
    for (const [key, held] of folders) {
      if (folders.size <= MAX_FOLDERS) return;
      if (held.users > 0) continue;
      folders.delete(key);
      held.ready.then(({ place }) => work.remove(place)).catch(() => {});
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
        const { path, content } = await held.ready;
        return { path, content, [Symbol.dispose]: release };
      } catch (error) {
        if (folders.get(key) === held) folders.delete(key);
        release();
        throw error;
      }
    },
  };
}

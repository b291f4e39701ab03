import { type Clock, errorMessage, type Logger } from "@fleet/base";
import type { UnpushedRepository, UnpushedWork } from "../uplink/reports.js";
import { createGit } from "./git.js";
import { inspect } from "./inspect.js";
import { findRepositories } from "./repositories.js";

/** Looks for git repositories with unpushed work while it is enabled, and reports each time what it finds. */
export type UnpushedWorkWatcher = {
  /** Follows the manifest. */
  enable(enabled: boolean): void;
  /** Looks now, unless it is looking already; resolves when that has ended. */
  look(): Promise<void>;
  stop(): void;
};

/** How often it looks without being asked. */
const INTERVAL_MS = 30 * 60_000;
/** A look ends after this time, whatever it has seen; coderd waits a little longer for it. */
const LOOK_MS = 6_000;
const LIMITS = { depth: 5, folders: 10_000, repositories: 100 };

export function createUnpushedWorkWatcher(options: {
  /** Where to look: the home folder and the agent's directory. */
  roots(): string[];
  environment(): Record<string, string>;
  report(work: UnpushedWork): void;
  /** How long a look may take. */
  lookMs?: number;
  clock: Clock;
  logger: Logger;
}): UnpushedWorkWatcher {
  const { clock, logger, lookMs = LOOK_MS } = options;
  const stopping = new AbortController();
  let enabled = false;
  let looking: Promise<void> | undefined;
  const timer = clock.every(INTERVAL_MS, () => void look());

  function look(): Promise<void> {
    if (!enabled || stopping.signal.aborted) return Promise.resolve();
    looking ??= lookOnce()
      .catch((error) => logger.warn("Failed to look for unpushed work.", { reason: errorMessage(error) }))
      .finally(() => {
        looking = undefined;
      });
    return looking;
  }

  async function lookOnce(): Promise<void> {
    const late = new AbortController();
    const limit = clock.after(lookMs, () => late.abort());
    const signal = AbortSignal.any([late.signal, stopping.signal]);
    try {
      const collectedAt = clock.now();
      const git = createGit({ environment: options.environment, clock, signal });
      const { repositories: paths, complete } = await findRepositories(options.roots(), LIMITS, signal);
      const repositories: UnpushedRepository[] = [];
      for (const path of paths) {
        if (signal.aborted) break;
        // A repository that git refuses to read is nobody's work here.
        const found = await inspect(git, path).catch(() => undefined);
        if (found) repositories.push(found);
      }
      if (!stopping.signal.aborted)
        options.report({ collectedAt, complete: complete && !signal.aborted, repositories });
    } finally {
      limit.cancel();
    }
  }

  return {
    enable(wanted) {
      enabled = wanted;
    },
    look,
    stop() {
      stopping.abort();
      timer.cancel();
    },
  };
}

import { type Clock, errorMessage, type Logger } from "@fleet/base";
import { findRepositories, type SearchScope } from "../repositories.js";
import type { UnpushedRepository, UnpushedWork } from "../uplink/reports.js";
import { createGit } from "./git.js";
import { inspect } from "./inspect.js";

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
/** Folders of tools and caches, which hold many files and nobody's work. */
const SKIPPED = new Set(
  "node_modules .cache .cargo .rustup .npm .pnpm-store .nvm .pyenv .gradle .m2 .local .vscode-server .cursor-server .git __pycache__ .venv venv lost+found".split(
    " ",
  ),
);
export const WHERE_WORK_IS: SearchScope = { skips: (name) => SKIPPED.has(name), nested: true };

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
      const { repositories: paths, complete } = await findRepositories(
        options.roots(),
        LIMITS,
        WHERE_WORK_IS,
        signal,
      );
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

/** Counters of a load, with messages for the first failures of each kind. */
export type Ledger = {
  count(what: Counted): void;
  /** Counts a failure and records its message. */
  fail(what: Failed, why: string): void;
  /** Records a pause in a session, in milliseconds. */
  pause(session: string, milliseconds: number): void;
  summary(): Summary;
};

export type Counted = "requests" | "refused_connections" | "repeats" | "builds" | "failed_builds" | "lines";
export type Failed = "failed_requests" | "lost_builds" | "doubled_builds" | "broken_cli_sessions";

export type Summary = Record<Counted | Failed, number> & {
  longest_session_pause_s: number;
  /** Readable lines: when, what and why. */
  failures: string[];
  /** Error messages of failed builds, as returned by the API, with their counts. */
  reasons: Record<string, number>;
};

/** Maximum number of recorded messages of each kind; all failures are counted. */
const WORDS = 20;

export function createLedger(): Ledger & { reason(text: string): void } {
  const counts: Record<Counted | Failed, number> = {
    requests: 0,
    refused_connections: 0,
    repeats: 0,
    builds: 0,
    failed_builds: 0,
    lines: 0,
    failed_requests: 0,
    lost_builds: 0,
    doubled_builds: 0,
    broken_cli_sessions: 0,
  };
  const failures: string[] = [];
  const reasons: Record<string, number> = {};
  let longestMs = 0;
  return {
    count(what) {
      counts[what]++;
    },
    fail(what, why) {
      if (++counts[what] <= WORDS) {
        failures.push(`${new Date().toISOString()} ${what}: ${why}`);
        process.stderr.write(`${failures.at(-1)}\n`);
      }
    },
    pause(session, milliseconds) {
      if (milliseconds > Math.max(longestMs, 1_000))
        process.stderr.write(
          `${new Date().toISOString()} ${session} paused for ${milliseconds.toFixed()} ms\n`,
        );
      longestMs = Math.max(longestMs, milliseconds);
    },
    reason(text) {
      counts.failed_builds++;
      reasons[text] = (reasons[text] ?? 0) + 1;
    },
    summary: () => ({ ...counts, longest_session_pause_s: longestMs / 1_000, failures, reasons }),
  };
}

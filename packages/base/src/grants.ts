import type { Clock } from "./clock.js";
import type { FleetError } from "./errors.js";

/** The authorization of a stream, a connection or a cached decision. */
export type Grant = {
  /** What it depends on, such as `user:<id>` or `workspace:<id>`: it is checked again when one of these changes. */
  readonly subjects: Iterable<string>;
  /** When it expires unless extended in the meantime, in milliseconds since the epoch. Undefined: never. */
  readonly expiresAtMs?: number | undefined;
};

/** What has changed: these subjects, or anything at all if changes may have been missed. */
export type GrantChange = readonly string[] | "all";

/** Whether a grant is still valid. Undefined if that could not be determined: the next `look` checks it again. */
export type Verdict =
  | { holds: true; expiresAtMs?: number | undefined }
  | { holds: false; reason: FleetError }
  | undefined;

export type GrantsOptions<G extends Grant> = {
  clock: Clock;
  /** Checks each grant again, in order. A rejection counts as no answer for any of them. */
  ask(grants: readonly G[]): Promise<readonly Verdict[]>;
  /** A check failed: whatever the grants allow stays open until a check succeeds. */
  onUnanswered?(error: unknown): void;
};

/**
 * The grants of one process. They follow one rule: a decision is valid while none of its subjects has changed since.
 * Whatever an older decision allowed is checked again at the next `look`, and ended if no longer valid.
 */
export type Grants<G extends Grant> = {
  readonly size: number;
  /** Records a change at this moment. */
  changed(change: GrantChange): void;
  /** Whether a decision from that time (milliseconds since the epoch) is still valid. */
  counts(subjects: Iterable<string>, decidedAtMs: number): boolean;
  /**
   * Watches something that a grant allowed. `decidedAtMs` is a time before the decision was made; `end` is called
   * once when the grant is no longer valid.
   * @returns a function to call if it was closed for another reason.
   */
  hold(grant: G, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Checks each grant that is out of date, and ends those that are no longer valid. */
  look(): Promise<void>;
};

/** Maximum grants per check. */
const GRANTS_PER_QUESTION = 200;
/** How long a change is remembered: longer than any decision is trusted without a check. */
const CHANGE_KEPT_MS = 5 * 60_000;
/** Maximum remembered subjects; beyond it all earlier decisions count as out of date. */
const CHANGES_KEPT = 100_000;

type Held<G> = {
  grant: G;
  decidedAtMs: number;
  expiresAtMs: number | undefined;
  /** Its check has not succeeded yet. */
  due: boolean;
  end(reason: FleetError): void;
};

export function createGrants<G extends Grant>(options: GrantsOptions<G>): Grants<G> {
  const { clock } = options;
  /** Subject → when it last changed, in order of time. */
  const changes = new Map<string, number>();
  let allChangedAtMs = Number.NEGATIVE_INFINITY;
  const held = new Set<Held<G>>();
  let looking: Promise<void> | undefined;
  let again = false;
  const nowMs = () => clock.now().getTime();

  function forget(): void {
    const beforeMs = nowMs() - CHANGE_KEPT_MS;
    for (const [subject, atMs] of changes) {
      if (atMs > beforeMs) return;
      changes.delete(subject);
    }
  }

  function counts(subjects: Iterable<string>, decidedAtMs: number): boolean {
    if (decidedAtMs <= allChangedAtMs) return false;
    if (changes.size === 0) return true;
    for (const subject of subjects) if (decidedAtMs <= (changes.get(subject) ?? -1)) return false;
    return true;
  }

  async function ask(due: readonly Held<G>[]): Promise<void> {
    const askedAtMs = nowMs();
    const verdicts = await options.ask(due.map(({ grant }) => grant)).catch((error) => {
      options.onUnanswered?.(error);
      return [];
    });
    due.forEach((entry, index) => {
      const verdict = verdicts[index];
      if (!held.has(entry)) return;
      entry.due = verdict === undefined;
      if (!verdict) return;
      if (verdict.holds) {
        entry.decidedAtMs = askedAtMs;
        entry.expiresAtMs = verdict.expiresAtMs;
      } else {
        held.delete(entry);
        entry.end(verdict.reason);
      }
    });
  }

  async function lookOnce(): Promise<void> {
    const time = nowMs();
    const due = [...held].filter((entry) => {
      entry.due ||=
        !counts(entry.grant.subjects, entry.decidedAtMs) ||
        (entry.expiresAtMs !== undefined && entry.expiresAtMs <= time);
      return entry.due;
    });
    forget();
    for (let start = 0; start < due.length; start += GRANTS_PER_QUESTION) {
      await ask(due.slice(start, start + GRANTS_PER_QUESTION).filter((entry) => held.has(entry)));
    }
  }

  return {
    get size() {
      return held.size;
    },
    counts,
    changed(change) {
      const time = nowMs();
      if (change === "all" || changes.size + change.length > CHANGES_KEPT) {
        changes.clear();
        allChangedAtMs = time;
        return;
      }
      for (const subject of change) {
        changes.delete(subject);
        changes.set(subject, time);
      }
    },
    hold(grant, decidedAtMs, end) {
      const entry: Held<G> = { grant, decidedAtMs, expiresAtMs: grant.expiresAtMs, due: false, end };
      held.add(entry);
      return () => void held.delete(entry);
    },
    look() {
      if (looking !== undefined) {
        again = true;
        return looking;
      }
      looking = (async () => {
        do {
          again = false;
          await lookOnce();
        } while (again);
      })().finally(() => {
        looking = undefined;
      });
      return looking;
    },
  };
}

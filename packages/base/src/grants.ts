import type { Clock } from "./clock.js";
import type { FleetError } from "./errors.js";

/** The right by which a stream, a connection or a remembered decision stands. */
export type Grant = {
  /** What it rests on, such as `user:<id>` or `workspace:<id>`: when one of these changes, it is asked about again. */
  readonly subjects: Iterable<string>;
  /** When it ends unless it has been extended meanwhile, in milliseconds since the epoch. Undefined: never by time. */
  readonly expiresAtMs?: number | undefined;
};

/** What has changed: these subjects, or anything at all where changes may have been missed. */
export type GrantChange = readonly string[] | "all";

/** Whether a grant still holds. Undefined where that could not be answered: it is asked again at the next look. */
export type Verdict =
  | { holds: true; expiresAtMs?: number | undefined }
  | { holds: false; reason: FleetError }
  | undefined;

export type GrantsOptions<G extends Grant> = {
  clock: Clock;
  /** Asks again, for each grant in turn. A rejection counts as no answer for any of them. */
  ask(grants: readonly G[]): Promise<readonly Verdict[]>;
  /** A question that found no answer: what it was about stays open until it finds one. */
  onUnanswered?(error: unknown): void;
};

/**
 * The grants of one process. One rule for all of them: a decision counts while none of its subjects has changed since it
 * was made. What is open by an older one is asked about again at the next `look`, and ended when it does not hold.
 */
export type Grants<G extends Grant> = {
  readonly size: number;
  /** Notes what has changed at this moment. */
  changed(change: GrantChange): void;
  /** Whether a decision of that time (milliseconds since the epoch) still counts. */
  counts(subjects: Iterable<string>, decidedAtMs: number): boolean;
  /**
   * Keeps what was opened by a grant under watch. `decidedAtMs` is the time before it was decided about; `end` is called
   * once when it does not hold any more.
   * @returns what to call when it was closed for another reason.
   */
  hold(grant: G, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Asks about each grant that is out of date, and ends those that do not hold. */
  look(): Promise<void>;
};

/** Grants that one question is about. */
const GRANTS_PER_QUESTION = 200;
/** How long a change is remembered: longer than any decision is believed without asking. */
const CHANGE_KEPT_MS = 5 * 60_000;
/** Subjects that are remembered; beyond it every decision of before counts as out of date. */
const CHANGES_KEPT = 100_000;

type Held<G> = {
  grant: G;
  decidedAtMs: number;
  expiresAtMs: number | undefined;
  /** A question about it has found no answer yet. */
  due: boolean;
  end(reason: FleetError): void;
};

export function createGrants<G extends Grant>(options: GrantsOptions<G>): Grants<G> {
  const { clock } = options;
  /** Subject → when it changed last, in order of time. */
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

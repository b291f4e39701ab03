import {
  type Clock,
  createGrants,
  errorMessage,
  FleetError,
  type Grant,
  type GrantChange,
  type Logger,
  type Verdict,
} from "@fleet/base";
import { type CheckedGrant, CheckedGrant_Verdict, type Grant as GrantMessage } from "@fleet/proto-gen/proxy";
import type { Coderd } from "./coderd.js";

/** How often grants whose time is up, and those that coderd could not be asked about, are asked about. */
const LOOK_MS = 1_000;

/** By what right something is open, in coderd's words. */
export type StreamGrant = Omit<GrantMessage, "$typeName" | "$unknown">;

/** Everything that is open at this replica, and by what right. */
export type StreamGrants = {
  /** The time to hand on as that of a decision: to be taken before coderd is asked for it. Milliseconds since the epoch. */
  now(): number;
  /** Whether a decision of that time still counts, or coderd has to be asked anew. */
  counts(grant: StreamGrant, decidedAtMs: number): boolean;
  /**
   * Keeps what was opened by a grant under watch until the returned function is called; `end` is called once, when coderd
   * says that the grant has ended. A coderd of a release that hands out no grants cannot be asked: then nothing is held.
   */
  hold(grant: StreamGrant | undefined, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Something that grants rest on has changed: what rests on it is asked about at once. */
  changed(change: GrantChange): void;
  close(): void;
};

type Held = Grant & { wire: StreamGrant };

export function createStreamGrants(options: {
  coderd: Pick<Coderd, "checkGrants">;
  clock: Clock;
  log: Logger;
}): StreamGrants {
  const { coderd, clock, log } = options;
  const grants = createGrants<Held>({
    clock,
    async ask(due) {
      const checked = await coderd.checkGrants({ grants: due.map(({ wire }) => wire) });
      return checked.grants.map(toVerdict);
    },
    onUnanswered: (error) =>
      log.debug("Streams could not be checked; they are again.", { reason: errorMessage(error) }),
  });
  const timer = clock.every(LOOK_MS, () => void grants.look());
  return {
    now: () => clock.now().getTime(),
    counts: (grant, decidedAtMs) => grants.counts(subjectsOf(grant), decidedAtMs),
    hold(grant, decidedAtMs, end) {
      if (!grant) return () => {};
      const held = { subjects: subjectsOf(grant), expiresAtMs: timeOf(grant.expiresAtMs), wire: grant };
      return grants.hold(held, decidedAtMs, end);
    },
    changed(change) {
      grants.changed(change);
      void grants.look();
    },
    close: () => timer.cancel(),
  };
}

/** What a grant rests on, as coderd names it when it changes. */
function subjectsOf({ keyId, userId, workspaceId }: StreamGrant): string[] {
  const subjects = [`workspace:${workspaceId}`];
  if (keyId) subjects.push(`key:${keyId}`);
  if (userId) subjects.push(`user:${userId}`);
  return subjects;
}

function toVerdict({ verdict, expiresAtMs, reason }: CheckedGrant): Verdict {
  switch (verdict) {
    case CheckedGrant_Verdict.HOLDS:
      return { holds: true, expiresAtMs: timeOf(expiresAtMs) };
    case CheckedGrant_Verdict.ENDED:
      return { holds: false, reason: new FleetError("permission_denied", reason) };
    case CheckedGrant_Verdict.UNSPECIFIED:
      return undefined;
  }
}

function timeOf(ms: bigint): number | undefined {
  return ms === 0n ? undefined : Number(ms);
}

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

/** How often expired and unverified grants are checked with coderd. */
const LOOK_MS = 1_000;

/** The grant of a stream, as coderd issued it. */
export type StreamGrant = Omit<GrantMessage, "$typeName" | "$unknown">;

/** All open streams of this replica with their grants. */
export type StreamGrants = {
  /** The timestamp of a decision; take it before asking coderd. Milliseconds since the epoch. */
  now(): number;
  /** True if a decision of that time is still valid; otherwise coderd has to be asked again. */
  counts(grant: StreamGrant, decidedAtMs: number): boolean;
  /**
   * Watches a stream's grant until the returned function is called; `end` is called once, when coderd reports that the
   * grant has ended. Does nothing if coderd's release does not support grants.
   */
  hold(grant: StreamGrant | undefined, decidedAtMs: number, end: (reason: FleetError) => void): () => void;
  /** Called when subjects of grants have changed: the affected grants are checked at once. */
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
      log.debug("Failed to check open streams; retrying.", { reason: errorMessage(error) }),
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

/** The subjects of a grant, as named in change notifications. */
function subjectsOf({ keyId, sshKeyId, userId, workspaceId }: StreamGrant): string[] {
  const subjects = [`workspace:${workspaceId}`];
  if (sshKeyId) subjects.push(`ssh_key:${sshKeyId}`);
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

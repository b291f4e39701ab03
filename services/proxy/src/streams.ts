import { FleetError } from "@fleet/base";
import { LIMITS } from "./limits.js";
import type { StreamGrant, StreamGrants } from "./session/grants.js";

/** A connection that lives beyond one request: a terminal, an SSH session, a forward, a WebSocket of an app. */
export type LiveStream = {
  kind: "app" | "forward" | "pty" | "ssh";
  agentId: string;
  workspaceId: string;
  /** Empty for visitors of public apps. */
  userId: string;
  /** The grant and when it was decided: the stream is closed when the grant ends. */
  grant: StreamGrant | undefined;
  decidedAtMs: number;
  /** True if client and agent resume over another connection when this one is closed. */
  resumable?: boolean;
  /** Shows a line to the stream's user, on a best-effort basis. */
  tell?(line: string): void;
};

export type LiveStreams = {
  /**
   * Counts the stream until the returned function is called. Throws `resource_exhausted` if the user has too many.
   * `cut` closes it, for a reason that is logged.
   */
  add(stream: LiveStream, cut: (reason: string) => void): () => void;
  readonly size: number;
  list(): LiveStream[];
  /** Closes the streams that match the predicate. */
  cut(which: (stream: LiveStream) => boolean, reason: string): void;
  /** Resolves when no streams are left. */
  none(): Promise<void>;
};

export function createLiveStreams(
  grants: Pick<StreamGrants, "hold">,
  limits: { streamsPerUser: number } = LIMITS,
): LiveStreams {
  const streams = new Map<object, { stream: LiveStream; cut: (reason: string) => void }>();
  const perUser = new Map<string, number>();
  let waiting: (() => void)[] = [];

  return {
    add(stream, cut) {
      const { userId } = stream;
      const held = perUser.get(userId) ?? 0;
      if (userId !== "" && held >= limits.streamsPerUser) {
        throw new FleetError(
          "resource_exhausted",
          `You have ${held} open connections to workspaces, which is the limit. Close some, then try again.`,
        );
      }
      perUser.set(userId, held + 1);
      const key = {};
      streams.set(key, { stream, cut });
      const release = grants.hold(stream.grant, stream.decidedAtMs, (reason) => cut(reason.message));
      return () => {
        if (!streams.delete(key)) return;
        release();
        const left = perUser.get(userId)! - 1;
        if (left > 0) perUser.set(userId, left);
        else perUser.delete(userId);
        if (streams.size > 0) return;
        for (const resolve of waiting) resolve();
        waiting = [];
      };
    },
    get size() {
      return streams.size;
    },
    list: () => [...streams.values()].map(({ stream }) => stream),
    cut(which, reason) {
      for (const { stream, cut } of [...streams.values()]) if (which(stream)) cut(reason);
    },
    none() {
      if (streams.size === 0) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
  };
}

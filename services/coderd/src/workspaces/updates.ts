import type { Clock } from "@fleet/base";
import type { UserActor } from "../auth/actor.js";
import { ownedWorkspacesChannel, workspaceChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import type { Workspaces, WorkspaceView } from "./service.js";

/** Changes of the followed workspaces are read together, at most this often. */
const GATHER_MS = 300;
/** All followed workspaces are read again this often, for changes that no message told. */
const LOOK_MS = 15_000;

/** A followed workspace as it is now, one that is not there (for this user) any more, or another one of the user's. */
export type WorkspaceUpdate =
  | { kind: "workspace"; view: WorkspaceView }
  | { kind: "gone"; id: string }
  | { kind: "more" };

export type FollowOptions = {
  /** The user as they are at present: what they may no longer see is not sent. */
  current(): Promise<UserActor>;
  userId: string;
  /** The ids to follow; each replaces those before it. */
  wanted: AsyncIterable<readonly string[]>;
  signal: AbortSignal;
};

/**
 * Follows many workspaces on one stream. A workspace is sent when something about it has been published, whether or not it
 * differs from what was sent before.
 */
export async function* followWorkspaces(
  options: { workspaces: Pick<Workspaces, "byIds">; pubsub: Pubsub; clock: Clock },
  { current, userId, wanted, signal }: FollowOptions,
): AsyncGenerator<WorkspaceUpdate> {
  const { workspaces, pubsub, clock } = options;
  const followed = new Map<string, () => void>();
  const due = new Set<string>();
  let more = false;
  let wake = () => {};
  const stopOf = (stop: Promise<() => void>) => {
    let stopped = false;
    // Without Redis, the regular look tells what changed.
    void stop.then(
      (end) => stopped && end(),
      () => {},
    );
    return () => {
      stopped = true;
      void stop.then(
        (end) => end(),
        () => {},
      );
    };
  };
  const changed = (id: string) => {
    due.add(id);
    wake();
  };
  const follow = (ids: readonly string[]) => {
    const asked = new Set(ids);
    for (const [id, stop] of followed) {
      if (asked.has(id)) continue;
      stop();
      followed.delete(id);
      due.delete(id);
    }
    for (const id of asked) {
      if (followed.has(id)) continue;
      followed.set(id, stopOf(pubsub.listen(workspaceChannel(id), () => changed(id))));
    }
  };
  const stopOwned = stopOf(
    pubsub.listen(ownedWorkspacesChannel(userId), () => {
      more = true;
      wake();
    }),
  );
  const timer = clock.every(LOOK_MS, () => {
    for (const id of followed.keys()) due.add(id);
    wake();
  });
  signal.addEventListener("abort", () => wake(), { once: true });
  void (async () => {
    for await (const ids of wanted) follow(ids);
  })().catch(() => {});
  try {
    while (!signal.aborted) {
      if (due.size === 0 && !more) await new Promise<void>((resolve) => (wake = resolve));
      await clock.sleep(GATHER_MS, signal).catch(() => {});
      if (signal.aborted) return;
      if (more) yield { kind: "more" };
      more = false;
      const ids = [...due];
      due.clear();
      if (ids.length === 0) continue;
      const views = await workspaces.byIds(await current(), ids);
      for (const view of views) yield { kind: "workspace", view };
      const found = new Set(views.map(({ row }) => row.id));
      for (const id of ids) {
        if (found.has(id) || !followed.has(id)) continue;
        followed.get(id)!();
        followed.delete(id);
        yield { kind: "gone", id };
      }
    }
  } finally {
    timer.cancel();
    stopOwned();
    for (const stop of followed.values()) stop();
  }
}

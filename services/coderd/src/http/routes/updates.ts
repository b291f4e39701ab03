import { createHash } from "node:crypto";
import type { Clock } from "@fleet/base";
import type { Update } from "@fleet/sdk";
import { requireUser } from "../../auth/authorizer.js";
import { toWorkspace } from "../../convert/workspaces.js";
import type { Inbox } from "../../notifications/inbox.js";
import type { Pubsub } from "../../pubsub/pubsub.js";
import type { Workspaces } from "../../workspaces/service.js";
import { followWorkspaces, type WorkspaceUpdate } from "../../workspaces/updates.js";
import type { Handlers } from "../handler.js";
import { merge } from "../merge.js";
import { toNotification } from "./notifications.js";

/** The one stream of an open page: its workspaces and its inbox. */
export function createUpdateHandlers(options: {
  workspaces: Workspaces;
  inbox: Inbox;
  pubsub: Pubsub;
  clock: Clock;
  deployment: Parameters<typeof toWorkspace>[1];
}) {
  const { inbox, deployment } = options;

  /** Leaves out what the page already has: a look reads all of its workspaces, few of which have changed. */
  async function* toUpdates(changes: AsyncIterable<WorkspaceUpdate>): AsyncGenerator<Update> {
    const sent = new Map<string, string>();
    for await (const change of changes) {
      if (change.kind === "more") yield { type: "workspaces" };
      else if (change.kind === "gone") {
        sent.delete(change.id);
        yield { type: "gone", id: change.id };
      } else {
        const workspace = toWorkspace(change.view, deployment);
        const digest = createHash("sha1").update(JSON.stringify(workspace)).digest("base64");
        if (sent.get(workspace.id) === digest) continue;
        sent.set(workspace.id, digest);
        yield { type: "workspace", workspace };
      }
    }
  }

  return {
    updatesWatch: async ({ actor, received, current, signal }) => {
      const { userId } = requireUser(actor);
      const notifications = await inbox.watch(actor, {}, signal);
      const wanted = (async function* () {
        for await (const { workspaces } of received) yield workspaces;
      })();
      const changes = followWorkspaces(options, {
        current: current ?? (async () => requireUser(actor)),
        userId,
        wanted,
        signal,
      });
      const told = (async function* (): AsyncGenerator<Update> {
        for await (const { row, unread } of notifications) {
          const notification = { notification: toNotification(row), unread_count: unread };
          yield { type: "notification", notification };
        }
      })();
      return merge(toUpdates(changes), told);
    },
  } satisfies Partial<Handlers>;
}

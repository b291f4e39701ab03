import { createHolds, type Holds } from "./activity/holds.js";
import { createHoldStore, type HoldStore } from "./activity/holds-store.js";
import type { Audit } from "./audit/service.js";
import { dataOnStop } from "./builds/data-loss.js";
import { createDataLossStore } from "./builds/data-loss-store.js";
import type { Builds } from "./builds/service.js";
import type { Platform } from "./platform.js";
import { createUnpushedWork, type UnpushedWorkService } from "./unpushedwork/service.js";
import { createUnpushedWorkStore } from "./unpushedwork/store.js";
import type { Users } from "./users/service.js";
import type { UserStore } from "./users/store.js";
import type { Workspaces } from "./workspaces/service.js";
import { createWake, type Wake } from "./workspaces/wake.js";

/** What keeps workspaces running, and what would be lost if they did not. */
export type ActivitySide = {
  holds: Holds;
  holdStore: HoldStore;
  unpushedWork: UnpushedWorkService;
  wake: Wake;
};

export function createActivitySide(
  { db, pubsub, clock }: Pick<Platform, "db" | "pubsub" | "clock">,
  {
    audit,
    builds,
    workspaces,
    users,
    userStore,
  }: { audit: Audit; builds: Builds; workspaces: Workspaces; users: Users; userStore: UserStore },
): ActivitySide {
  const holdStore = createHoldStore(db);
  const dataLoss = createDataLossStore(db);
  return {
    holdStore,
    wake: createWake({ audit, builds }),
    holds: createHolds({ store: holdStore, pubsub, clock }),
    unpushedWork: createUnpushedWork({
      store: createUnpushedWorkStore(db),
      requireWorkspace: (actor, id) => workspaces.require(actor, "read", id),
      dataOnStop: async (id) => dataOnStop(await dataLoss.persistence(id, undefined)),
      users,
      userStore,
      pubsub,
      clock,
    }),
  };
}

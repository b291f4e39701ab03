import type { Holds } from "../../activity/holds.js";
import { toHold, toUnpushedWork } from "../../convert/activity.js";
import type { UnpushedWorkService } from "../../unpushedwork/service.js";
import type { Handlers } from "../handler.js";

export type ActivityHandlerOptions = { holds: Holds; unpushedWork: UnpushedWorkService };

export function createActivityHandlers({ holds, unpushedWork }: ActivityHandlerOptions) {
  return {
    agentSelfHoldList: async ({ actor }) => ({ holds: (await holds.list(actor)).map(toHold) }),
    agentSelfHoldSet: async ({ actor, body }) =>
      toHold(await holds.declare(actor, body.name, body.duration_ms)),
    agentSelfHoldRelease: async ({ actor, query }) => ({
      holds: (await holds.release(actor, query.name)).map(toHold),
    }),
    workspaceUnpushedWork: async ({ actor, params }) =>
      toUnpushedWork(await unpushedWork.get(actor, params.workspace)),
    userUnpushedWorkCheck: async ({ actor, params }) => ({
      enabled: await unpushedWork.check(actor, params.user),
    }),
    userUnpushedWorkCheckUpdate: async ({ actor, params, body }) => ({
      enabled: await unpushedWork.setCheck(actor, params.user, body.enabled),
    }),
  } satisfies Partial<Handlers>;
}

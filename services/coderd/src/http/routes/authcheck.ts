import { isFleetError, isUuid } from "@fleet/base";
import { type Action, isPermission, RESOURCES, type Resource } from "@fleet/rbac";
import type { RouteBody, Routes } from "@fleet/sdk";
import type { Actor } from "../../auth/actor.js";
import { authorizer, requireUser } from "../../auth/authorizer.js";
import type { Organizations } from "../../organizations/service.js";
import type { Templates } from "../../templates/service.js";
import type { Users } from "../../users/service.js";
import type { Workspaces } from "../../workspaces/service.js";
import type { Handlers } from "../handler.js";

type Check = RouteBody<Routes["authCheck"]>["checks"][string];

/** Types whose objects are looked up by id, so that their owners, organizations and access lists count. */
type Looked = { [Type in Resource]?: (actor: Actor, action: Action, id: string) => Promise<unknown> };

export function createAuthCheckHandlers({
  workspaces,
  templates,
  users,
  organizations,
}: {
  workspaces: Pick<Workspaces, "require">;
  templates: Pick<Templates, "require">;
  users: Pick<Users, "require">;
  organizations: Pick<Organizations, "require">;
}) {
  const looked: Looked = {
    workspace: (actor, action, id) => workspaces.require(actor, action, id),
    template: (actor, action, id) => templates.require(actor, action, id),
    user: (actor, action, id) => users.require(actor, action, id),
    organization: (actor, action, id) => organizations.require(actor, action, id),
  };

  async function allowed(actor: Actor, { object, action: asked }: Check): Promise<boolean> {
    const type = object.resource_type as Resource;
    if (!RESOURCES.includes(type) || !isPermission(type, asked)) return false;
    const action = asked as Action;
    const look = object.resource_id && looked[type];
    if (look)
      return isUuid(object.resource_id!) && (await succeeds(look(actor, action, object.resource_id!)));
    const { userId } = requireUser(actor);
    const ownerId = object.owner_id === "me" ? userId : object.owner_id;
    if (object.any_org) {
      const {
        everywhere,
        organizations: all,
        ownIn,
        ids,
      } = authorizer.reach(requireUser(actor), action, type);
      return !ids && (everywhere || all.length > 0 || (ownerId === userId && ownIn.length > 0));
    }
    return authorizer.can(actor, action, {
      type,
      ...(object.resource_id ? { id: object.resource_id } : {}),
      ...(ownerId ? { ownerId } : {}),
      ...(object.organization_id ? { orgId: object.organization_id } : {}),
    });
  }

  return {
    authCheck: async ({ actor, body }) => {
      const answers: Record<string, boolean> = {};
      // One after the other, so that a request with many checks uses one database connection.
      for (const [key, check] of Object.entries(body.checks)) answers[key] = await allowed(actor, check);
      return answers;
    },
  } satisfies Partial<Handlers>;
}

/** False if the object does not exist, or the actor may not do it. */
async function succeeds(decision: Promise<unknown>): Promise<boolean> {
  try {
    await decision;
    return true;
  } catch (error) {
    if (isFleetError(error, "not_found", "permission_denied")) return false;
    throw error;
  }
}

import type * as wire from "@fleet/sdk";
import type { AuditRow } from "../audit/store.js";
import type { UserRow } from "../users/store.js";
import { toUser } from "./users.js";

const NIL = "00000000-0000-0000-0000-000000000000";

export function toAuditLog(row: AuditRow, user: UserRow | undefined): wire.AuditLog {
  const { organizationId } = row;
  return {
    id: row.id,
    request_id: row.requestId,
    time: row.time.toISOString(),
    ip: row.ip,
    user_agent: row.userAgent,
    resource_type: row.resourceType,
    resource_id: row.resourceId,
    resource_target: row.resourceTarget,
    resource_icon: row.resourceIcon,
    action: row.action,
    diff: row.diff,
    status_code: row.statusCode,
    additional_fields: row.additionalFields,
    description: describe(row),
    resource_link: row.deleted ? "" : linkOf(row),
    is_deleted: row.deleted,
    organization_id: organizationId ?? NIL,
    ...(organizationId
      ? {
          organization: {
            id: organizationId,
            name: row.organizationName ?? "",
            display_name: row.organizationDisplayName ?? "",
            icon: row.organizationIcon ?? "",
          },
        }
      : {}),
    user: user ? toUser(user) : null,
  };
}

const VERBS: Record<string, [done: string, tried: string]> = {
  create: ["created", "create"],
  read: ["read", "read"],
  write: ["updated", "update"],
  delete: ["deleted", "delete"],
  start: ["started", "start"],
  stop: ["stopped", "stop"],
  login: ["logged in", "log in"],
  logout: ["logged out", "log out"],
};

/** A description in which clients substitute `{user}` and `{target}`. */
function describe({ action, statusCode, resourceType }: AuditRow): string {
  const [done, tried] = VERBS[action] ?? [action, action];
  const what = statusCode < 400 ? done : `unsuccessfully attempted to ${tried}`;
  if (action === "login" || action === "logout") return `{user} ${what}`;
  const transition = action === "start" || action === "stop" || action === "delete";
  const noun =
    resourceType === "workspace_build" && transition ? "workspace" : resourceType.replaceAll("_", " ");
  return `{user} ${what} ${noun} {target}`;
}

/** Link to the object's dashboard page. */
function linkOf({ resourceType, resourceTarget, additionalFields }: AuditRow): string {
  const { workspace_owner: owner, workspace_name: name, build_number: number } = additionalFields;
  switch (resourceType) {
    case "template":
      return `/templates/${resourceTarget}`;
    case "user":
      return `/users?filter=${encodeURIComponent(resourceTarget)}`;
    case "port_share":
    case "workspace":
      return `/@${owner}/${name}`;
    case "workspace_build":
      return `/@${owner}/${name}/builds/${number}`;
    default:
      return "";
  }
}

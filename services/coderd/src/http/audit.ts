import { ERROR_CODES } from "@fleet/base";
import { type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import type { AuditedType, ObjectKey } from "../audit/objects.js";
import type { Audit, AuditAction } from "../audit/service.js";
import { toTold } from "../outage.js";
import type { HandlerRequest, Handlers } from "./handler.js";
import { Reply } from "./reply.js";
import type { AnyHandler } from "./router.js";

type Request = HandlerRequest<RouteSpec>;
type Params = Record<string, string>;

type Audited = {
  type: AuditedType;
  action: AuditAction | ((request: Request) => AuditAction);
  /** What the path names. Undefined: the object is made by the request, and its id is in the answer. */
  key?: (params: Params, request: Request) => ObjectKey | undefined;
  /** The object that the answer names. */
  made?: (answer: unknown) => ObjectKey | undefined;
  /** The user whom a request that was refused was about, where there is no object yet. */
  refused?: (request: Request) => ObjectKey;
};

const me = (id: string, { actor }: Request) => (id === "me" && actor.kind === "user" ? actor.userId : id);
const user = (params: Params, request: Request) => ({ id: me(params.user!, request) });
const member = (params: Params, request: Request) => ({
  ...user(params, request),
  within: params.organization,
});
const param = (name: string) => (params: Params) => ({ id: params[name]! });
const ownKey = (_: Params, { actor }: Request) =>
  actor.kind === "user" ? { id: actor.apiKeyId } : undefined;
const answered = (answer: unknown) => ({ id: (answer as { id: string }).id });
/** A key's id is what stands before the secret. */
const issued = (field: string) => (answer: unknown) => ({
  id: (answer as Record<string, string>)[field]!.split("-")[0]!,
});

const made = (type: AuditedType): Audited => ({ type, action: "create", made: answered });
const changed = (type: AuditedType, key: Audited["key"]): Audited => ({ type, action: "write", key });
const deleted = (type: AuditedType, key: Audited["key"]): Audited => ({ type, action: "delete", key });

/** The routes that leave an entry. */
const AUDITED: Partial<Record<RouteName, Audited>> = {
  login: {
    type: "api_key",
    action: "login",
    made: issued("session_token"),
    refused: ({ body }) => ({ id: (body as unknown as { email: string }).email }),
  },
  logout: { type: "api_key", action: "logout", key: ownKey },
  keyCreate: { type: "api_key", action: "create", made: issued("key") },
  tokenCreate: { type: "api_key", action: "create", made: issued("key") },
  keyDelete: deleted("api_key", param("key")),
  keyExpire: changed("api_key", param("key")),
  gitSshKeyRegenerate: changed("git_ssh_key", user),

  userFirstCreate: {
    type: "user",
    action: "create",
    made: (answer) => ({ id: (answer as { user_id: string }).user_id }),
  },
  userCreate: made("user"),
  userDelete: deleted("user", user),
  userProfileUpdate: changed("user", user),
  userPasswordUpdate: changed("user", user),
  userSuspend: changed("user", user),
  userActivate: changed("user", user),
  userRolesUpdate: changed("user", user),
  userQuietHoursUpdate: changed("user", user),

  organizationCreate: made("organization"),
  organizationUpdate: changed("organization", param("organization")),
  organizationDelete: deleted("organization", param("organization")),
  memberAdd: { type: "organization_member", action: "create", key: member },
  memberRemove: deleted("organization_member", member),
  memberRolesUpdate: changed("organization_member", member),
  groupCreate: made("group"),
  groupUpdate: changed("group", param("group")),
  groupDelete: deleted("group", param("group")),

  templateCreate: made("template"),
  templateUpdate: changed("template", param("template")),
  templateDelete: deleted("template", param("template")),
  templateVersionPromote: changed("template", param("template")),
  templateAclUpdate: changed("template", param("template")),
  templateVersionCreate: made("template_version"),
  templateVersionUpdate: changed("template_version", param("version")),
  templateVersionArchive: changed("template_version", param("version")),
  templateVersionUnarchive: changed("template_version", param("version")),

  workspaceCreate: made("workspace"),
  workspaceCreateForMember: made("workspace"),
  workspaceUpdate: changed("workspace", param("workspace")),
  workspaceAutostartUpdate: changed("workspace", param("workspace")),
  workspaceTtlUpdate: changed("workspace", param("workspace")),
  workspaceDormancyUpdate: changed("workspace", param("workspace")),
  workspaceAutomaticUpdatesUpdate: changed("workspace", param("workspace")),
  workspaceBuildCreate: {
    type: "workspace_build",
    action: ({ body }) => (body as unknown as { transition: "start" | "stop" | "delete" }).transition,
    made: answered,
  },
  workspaceBuildStateUpdate: changed("workspace_build", param("build")),

  workspaceProxyCreate: {
    type: "workspace_proxy",
    action: "create",
    made: (answer) => answered((answer as { proxy: unknown }).proxy),
  },
  workspaceProxyUpdate: changed("workspace_proxy", param("proxy")),
  workspaceProxyDelete: deleted("workspace_proxy", param("proxy")),
  debugHealthSettingsUpdate: changed("health_settings", () => ({ id: "" })),
};

export function isAudited(name: RouteName): boolean {
  return Object.hasOwn(AUDITED, name);
}

/** The handlers, of which those that change something leave an entry in the audit log: of success and of refusal. */
export function auditHandlers(handlers: Handlers, audit: Audit): Handlers {
  const table = { ...handlers } as unknown as Record<string, AnyHandler>;
  for (const [name, audited] of Object.entries(AUDITED)) {
    table[name] = withAudit(table[name]!, audited, routes[name as RouteName] as RouteSpec, audit);
  }
  return table as unknown as Handlers;
}

function withAudit(handler: AnyHandler, audited: Audited, route: RouteSpec, audit: Audit): AnyHandler {
  return async (request) => {
    const key = audited.key?.(request.params as Params, request);
    const before = await audit.snapshot(audited.type, key);
    let answer: unknown;
    let status: number;
    let failure: unknown;
    try {
      answer = await handler(request);
      status = (answer instanceof Reply ? answer.status : undefined) ?? route.status ?? 200;
    } catch (error) {
      failure = error;
      status = ERROR_CODES[toTold(error).code].http;
    }
    const unchanged = status >= 300;
    const body = answer instanceof Reply ? answer.body : answer;
    const after = unchanged
      ? (before ?? (await audit.snapshot("user", audited.refused?.(request))))
      : await audit.snapshot(audited.type, key ?? audited.made?.(body));
    const { actor } = request;
    await audit.record({
      id: !unchanged && request.idempotency ? uuidOf(request.idempotency.key) : undefined,
      userId: actor.kind === "user" ? actor.userId : unchanged ? undefined : signedIn(audited, after?.id),
      action: typeof audited.action === "function" ? audited.action(request) : audited.action,
      type: audited.type,
      before,
      after,
      status,
      requestId: request.requestId,
      ip: request.ip,
      userAgent: request.userAgent,
    });
    if (failure !== undefined) throw failure;
    return answer;
  };
}

/** An id for the entry of all repeats of one request. */
function uuidOf(hash: Uint8Array): string {
  const hex = Buffer.from(hash).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** Who signs in, or makes the first user, is nobody yet when the request comes: it is who the answer is about. */
function signedIn({ type, action }: Audited, id: string | undefined): string | undefined {
  return action === "login" || type === "user" ? id : undefined;
}

import { ERROR_CODES, errorMessage, isUuid, type Logger } from "@fleet/base";
import { type RouteName, type RouteSpec, routes } from "@fleet/sdk";
import { keyIdOf } from "../apikeys/service.js";
import { type AuditedObject, type AuditedType, type ObjectKey, portShareId } from "../audit/objects.js";
import type { Audit, AuditAction, AuditEvent } from "../audit/service.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { toTold } from "../outage.js";
import type { AnyHandler, HandlerRequest, Handlers } from "./handler.js";
import { Reply } from "./reply.js";

type Request = HandlerRequest<RouteSpec>;
type Params = Record<string, string>;

type Audited = {
  type: AuditedType;
  action: AuditAction | ((request: Request) => AuditAction);
  /** The object in the path. Undefined: the request creates the object, and the response has its id. */
  key?: (params: Params, request: Request) => ObjectKey | undefined;
  /** The object in the response; defaults to the reply's `made`. Without either, nothing was created. */
  made?: (answer: unknown) => ObjectKey | undefined;
  /** The user a refused request was about, if no object exists yet. */
  refused?: (request: Request) => ObjectKey;
  /** Response fields to record with the object. */
  facts?: (answer: unknown) => Record<string, unknown>;
};

const me = (id: string, { actor }: Request) => (id === "me" && actor.kind === "user" ? actor.userId : id);
const user = (params: Params, request: Request) => ({ id: me(params.user!, request) });
const member = (params: Params, request: Request) => ({
  ...user(params, request),
  within: params.organization,
});
const role = (params: Params, { body }: Request) => ({
  id: (body as unknown as { name: string }).name,
  within: params.organization,
});
const param = (name: string) => (params: Params) => ({ id: params[name]! });
const ownKey = (_: Params, { actor }: Request) =>
  actor.kind === "user" ? { id: actor.apiKeyId } : undefined;
const ownSecret = (params: Params, request: Request) => ({
  id: params.secret!,
  within: me(params.user!, request),
});
const ownLink = ({ provider }: Params, { actor }: Request) =>
  actor.kind === "user" ? { id: `${actor.userId}:${provider}` } : undefined;
/** A path parameter that only ever names an object by its id. */
const scimId = (name: string) => (params: Params) =>
  isUuid(params[name]!) ? { id: params[name]! } : undefined;
const answered = (answer: unknown) => ({ id: (answer as { id: string }).id });
const answeredWebhook = (answer: unknown) => answered((answer as { webhook: unknown }).webhook);
const issued = (field: string) => (answer: unknown) => ({
  id: keyIdOf((answer as Record<string, string>)[field]!),
});

/** The access token of a response; a refused request has none. */
const accessToken = (answer: unknown) => {
  const { access_token: token } = answer as { access_token?: string };
  return token === undefined ? undefined : { id: keyIdOf(token) };
};

const portShare = (params: Params, { body }: Request) => ({
  id: portShareId(body as unknown as { agent_name: string; port: number }),
  within: params.workspace,
});

const made = (type: AuditedType): Audited => ({ type, action: "create", made: answered });
const changed = (type: AuditedType, key: Audited["key"]): Audited => ({ type, action: "write", key });
const deleted = (type: AuditedType, key: Audited["key"]): Audited => ({ type, action: "delete", key });

/** Routes that write an audit entry. */
const AUDITED: Partial<Record<RouteName, Audited>> = {
  login: {
    type: "api_key",
    action: "login",
    made: issued("session_token"),
    refused: ({ body }) => ({ id: (body as unknown as { email: string }).email }),
  },
  // GETs that write: the provider sends the browser back to them.
  oidcCallback: { type: "api_key", action: "login" },
  githubCallback: { type: "api_key", action: "login" },
  logout: { type: "api_key", action: "logout", key: ownKey },
  keyCreate: { type: "api_key", action: "create", made: issued("key") },
  tokenCreate: { type: "api_key", action: "create", made: issued("key") },
  // A GET that writes: it creates the key that the browser carries to the app's host.
  applicationsAuthRedirect: { type: "api_key", action: "create" },
  keyDelete: deleted("api_key", param("key")),
  keyExpire: changed("api_key", param("key")),
  gitSshKeyRegenerate: changed("git_ssh_key", user),
  userSshKeyCreate: made("user_ssh_key"),
  userSshKeyDelete: deleted("user_ssh_key", param("sshKey")),
  // The session with which the user allows it; one that is denied leaves none.
  sshSignInDecide: { type: "api_key", action: "login" },
  userSecretCreate: made("user_secret"),
  userSecretUpdate: changed("user_secret", ownSecret),
  userSecretDelete: deleted("user_secret", ownSecret),
  // A GET that writes: the provider sends the browser back to it. Without a code, it only sends the browser there.
  externalAuthCallback: { type: "external_auth_link", action: "create" },
  externalAuthDeviceExchange: { type: "external_auth_link", action: "create" },
  externalAuthDelete: deleted("external_auth_link", ownLink),

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
  organizationRoleCreate: { type: "custom_role", action: "create", key: role },
  organizationRoleUpdate: changed("custom_role", role),
  organizationRoleDelete: deleted("custom_role", (params) => ({
    id: params.roleName!,
    within: params.organization,
  })),
  workspaceSharingSettingsUpdate: changed("organization", param("organization")),
  groupCreate: made("group"),
  groupUpdate: changed("group", param("group")),
  groupDelete: deleted("group", param("group")),

  scimUserCreate: made("user"),
  scimUserReplace: changed("user", scimId("scimUser")),
  scimUserPatch: changed("user", scimId("scimUser")),
  scimUserDelete: changed("user", scimId("scimUser")),
  scimGroupCreate: made("group"),
  scimGroupReplace: changed("group", scimId("scimGroup")),
  scimGroupPatch: changed("group", scimId("scimGroup")),
  scimGroupDelete: deleted("group", scimId("scimGroup")),

  organizationSyncUpdate: changed("idp_sync_settings_organization", () => ({ id: "" })),
  organizationSyncConfigUpdate: changed("idp_sync_settings_organization", () => ({ id: "" })),
  organizationSyncMappingUpdate: changed("idp_sync_settings_organization", () => ({ id: "" })),
  groupSyncUpdate: changed("idp_sync_settings_group", param("organization")),
  groupSyncConfigUpdate: changed("idp_sync_settings_group", param("organization")),
  groupSyncMappingUpdate: changed("idp_sync_settings_group", param("organization")),
  roleSyncUpdate: changed("idp_sync_settings_role", param("organization")),
  roleSyncConfigUpdate: changed("idp_sync_settings_role", param("organization")),
  roleSyncMappingUpdate: changed("idp_sync_settings_role", param("organization")),

  templateCreate: made("template"),
  templateUpdate: changed("template", param("template")),
  templateDelete: deleted("template", param("template")),
  templateVersionPromote: changed("template", param("template")),
  rolloutCreate: made("template_rollout"),
  rolloutPause: changed("template_rollout", param("rollout")),
  rolloutResume: changed("template_rollout", param("rollout")),
  rolloutAbort: changed("template_rollout", param("rollout")),
  rolloutFinish: changed("template_rollout", param("rollout")),
  templateAclUpdate: changed("template", param("template")),
  templateVersionCreate: made("template_version"),
  templateVersionUpdate: changed("template_version", param("version")),
  templateVersionArchive: changed("template_version", param("version")),
  templateVersionUnarchive: changed("template_version", param("version")),
  templateVersionCancel: changed("template_version", param("version")),
  templateVersionArchiveUnused: {
    ...changed("template", param("template")),
    facts: (answer) => ({ archived_ids: (answer as { archived_ids: string[] }).archived_ids }),
  },

  policyCreate: made("policy"),
  policyCreateInOrganization: made("policy"),
  policyCreateForTemplate: made("policy"),
  policyUpdate: changed("policy", param("policy")),
  policyDelete: deleted("policy", param("policy")),

  workspaceCreate: made("workspace"),
  workspaceCreateForMember: made("workspace"),
  workspaceUpdate: changed("workspace", param("workspace")),
  workspaceAutostartUpdate: changed("workspace", param("workspace")),
  workspaceTtlUpdate: changed("workspace", param("workspace")),
  workspaceExtend: changed("workspace", param("workspace")),
  workspaceDormancyUpdate: changed("workspace", param("workspace")),
  workspaceAutomaticUpdatesUpdate: changed("workspace", param("workspace")),
  workspaceAclUpdate: changed("workspace", param("workspace")),
  workspaceAclDelete: changed("workspace", param("workspace")),
  workspaceBuildCreate: {
    type: "workspace_build",
    action: ({ body }) => (body as unknown as { transition: "start" | "stop" | "delete" }).transition,
    made: answered,
  },
  workspaceBuildCancel: changed("workspace_build", param("build")),
  // State contains secrets: reading it matters as much as changing it.
  workspaceBuildState: { type: "workspace_build", action: "read", key: param("build") },
  workspaceBuildStateUpdate: changed("workspace_build", param("build")),
  portShareUpsert: changed("port_share", portShare),
  portShareDelete: deleted("port_share", portShare),

  provisionerKeyCreate: {
    type: "provisioner_key",
    action: "create",
    key: (params, { body }) => ({
      id: (body as unknown as { name: string }).name,
      within: params.organization,
    }),
  },
  provisionerKeyDelete: deleted("provisioner_key", (params) => ({
    id: params.keyName!,
    within: params.organization,
  })),

  workspaceProxyCreate: {
    type: "workspace_proxy",
    action: "create",
    made: (answer) => answered((answer as { proxy: unknown }).proxy),
  },
  workspaceProxyUpdate: changed("workspace_proxy", param("proxy")),
  workspaceProxyDelete: deleted("workspace_proxy", param("proxy")),
  webhookCreate: { type: "webhook", action: "create", made: answeredWebhook },
  webhookUpdate: changed("webhook", param("webhook")),
  webhookDelete: deleted("webhook", param("webhook")),
  oauth2AuthorizeDecide: { type: "oauth2_provider_grant", action: "create" },
  oauth2TokensRevoke: deleted("oauth2_provider_grant", (_, { query, actor }) => ({
    id: (query as unknown as { client_id: string }).client_id,
    within: actor.kind === "user" ? actor.userId : undefined,
  })),
  oauth2TokenCreate: { type: "api_key", action: "login", made: accessToken },
  oauth2ClientRegister: { type: "oauth2_provider_app", action: "create" },
  oauth2ClientUpdate: changed("oauth2_provider_app", param("clientId")),
  oauth2ClientDelete: deleted("oauth2_provider_app", param("clientId")),
  oauth2AppCreate: made("oauth2_provider_app"),
  oauth2AppUpdate: changed("oauth2_provider_app", param("oauth2App")),
  oauth2AppDelete: deleted("oauth2_provider_app", param("oauth2App")),
  oauth2AppSecretCreate: made("oauth2_provider_app_secret"),
  oauth2AppSecretDelete: deleted("oauth2_provider_app_secret", param("oauth2Secret")),
  oauth2SettingsUpdate: changed("oauth2_provider_settings", () => ({ id: "" })),
  notificationSettingsUpdate: changed("notifications_settings", () => ({ id: "" })),
  notificationTemplateMethodUpdate: changed("notification_template", param("notificationTemplate")),
  prebuildSettingsUpdate: changed("prebuilds_settings", () => ({ id: "" })),
  prebuildsInvalidate: {
    ...changed("template", param("template")),
    facts: (answer) => ({
      invalidated: (answer as { invalidated: { preset_name: string }[] }).invalidated.map(
        ({ preset_name }) => preset_name,
      ),
    }),
  },
  appearanceUpdate: changed("appearance", () => ({ id: "" })),
  debugHealthSettingsUpdate: changed("health_settings", () => ({ id: "" })),
};

export function isAudited(name: RouteName): boolean {
  return Object.hasOwn(AUDITED, name);
}

export type AuditOptions = { audit: Audit; unitOfWork: UnitOfWork; logger: Logger };

/**
 * Wraps handlers that change something so that they write audit entries: for a success in the same transaction as the
 * change, and for refusals.
 */
export function auditHandlers(handlers: Handlers, options: AuditOptions): Handlers {
  const table = { ...handlers } as unknown as Record<string, AnyHandler>;
  for (const [name, audited] of Object.entries(AUDITED)) {
    table[name] = withAudit(table[name]!, audited, routes[name as RouteName] as RouteSpec, options);
  }
  return table as unknown as Handlers;
}

function withAudit(
  handler: AnyHandler,
  audited: Audited,
  route: RouteSpec,
  { audit, unitOfWork, logger }: AuditOptions,
): AnyHandler {
  const { type } = audited;

  async function succeed(request: Request, key: ObjectKey | undefined, before: AuditedObject | undefined) {
    const answer = await handler(request);
    const { status, body, made } = answer instanceof Reply ? answer : new Reply(answer);
    const named = key ?? audited.made?.(body) ?? (made === undefined ? undefined : { id: made });
    const after = await audit.after(type, named, before);
    await audit.record({
      ...eventOf(audited, request, before),
      id: request.idempotency && uuidOf(request.idempotency.key),
      userId: userOf(request, audited, after),
      after,
      facts: audited.facts?.(body),
      status: status ?? route.status ?? 200,
    });
    return answer;
  }

  async function refused(request: Request, before: AuditedObject | undefined, error: unknown): Promise<void> {
    const about = before ?? (await audit.before("user", audited.refused?.(request)));
    await audit.record({
      ...eventOf(audited, request, about),
      userId: request.actor.kind === "user" ? request.actor.userId : undefined,
      after: about,
      status: ERROR_CODES[toTold(error).code].http,
    });
  }

  return async (request) => {
    const key = audited.key?.(request.params as Params, request);
    const before = await audit.before(type, key);
    try {
      return await unitOfWork.run(() => succeed(request, key, before));
    } catch (error) {
      // Nothing was changed, and the caller still gets the original error.
      await refused(request, before, error).catch((failure: unknown) =>
        logger.error("could not write a denied request to the audit log", {
          requestId: request.requestId,
          error: errorMessage(failure),
        }),
      );
      throw error;
    }
  };
}

/** Fields common to entries for successful and refused requests. */
function eventOf(
  { type, action }: Audited,
  request: Request,
  before: AuditedObject | undefined,
): Pick<AuditEvent, "action" | "type" | "before" | "requestId" | "ip" | "userAgent"> {
  const named = typeof action === "function" ? action(request) : action;
  return {
    // A PUT creates the object if it does not exist.
    action: named === "write" && !before ? "create" : named,
    type,
    before,
    requestId: request.requestId,
    ip: request.ip,
    userAgent: request.userAgent,
  };
}

/** An id shared by the entries of all retries of a request. */
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

function userOf({ actor }: Request, audited: Audited, after: AuditedObject | undefined): string | undefined {
  if (actor.kind === "user") return actor.userId;
  return actor.kind === "anonymous" ? signedIn(audited, after?.id) : undefined;
}

/** At a login or first-user setup, the request has no user yet: use the one in the response. */
function signedIn({ type, action }: Audited, id: string | undefined): string | undefined {
  return action === "login" || type === "user" ? id : undefined;
}

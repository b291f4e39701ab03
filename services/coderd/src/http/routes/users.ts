import { FleetError, isFleetError } from "@fleet/base";
import { assignableRoles, SITE_ROLES } from "@fleet/rbac";
import type * as wire from "@fleet/sdk";
import type { ApiKeys } from "../../apikeys/service.js";
import { authorizer, requireUser } from "../../auth/authorizer.js";
import { checkPassword } from "../../auth/passwords.js";
import { toOrganization, toRole, toUser } from "../../convert/users.js";
import { OrganizationNotFound, type Organizations } from "../../organizations/service.js";
import type { OrganizationStore } from "../../organizations/store.js";
import type { QuietHours, QuietHoursOfUsers } from "../../users/quiethours.js";
import type { Users } from "../../users/service.js";
import { CrossSiteRequest, isOwnOrigin } from "../authenticator.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";
import type { SessionCookies } from "../session-cookie.js";

export type UserHandlerOptions = {
  users: Users;
  apiKeys: ApiKeys;
  organizations: Organizations;
  organizationStore: OrganizationStore;
  quietHours: QuietHoursOfUsers;
  cookies: SessionCookies;
  accessUrl: URL;
  authMethods: wire.AuthMethods;
  /** Where the user's browser ends its session at the provider; undefined if it does not. */
  signOutUrl(userId: string): Promise<string | undefined>;
};

export function createUserHandlers(options: UserHandlerOptions) {
  const { users, apiKeys, organizations, quietHours, cookies } = options;

  return {
    userFirst: async () => {
      if (await users.exists()) return { message: "The initial user has already been created." };
      throw new FleetError("not_found", "The initial user has not been created.");
    },

    userFirstCreate: async ({ body }) => {
      const user = await users.createFirst(body);
      return { user_id: user.id, organization_id: user.memberships[0]!.organizationId };
    },

    authMethods: async () => options.authMethods,

    login: async ({ body, ip, headers }) => {
      // Another site must not be able to sign a browser in as somebody else.
      if (!isOwnOrigin(headers, options.accessUrl)) throw new CrossSiteRequest();
      const session = await users.login(body.email, body.password, ip);
      const maxAge = Math.floor(apiKeys.settings.sessionDurationMs / 1000);
      return new Reply(
        { session_token: session.token },
        { headers: { "set-cookie": cookies.session(session.token, maxAge) } },
      );
    },

    logout: async ({ actor }) => {
      const url = await options.signOutUrl(requireUser(actor).userId);
      await apiKeys.logout(actor);
      const body = { message: "Logged out!", ...(url ? { oidc_logout_url: url } : {}) };
      return new Reply(body, { headers: { "set-cookie": cookies.ended() } });
    },

    validatePassword: async ({ body }) => {
      try {
        checkPassword(body.password);
        return { valid: true, details: "" };
      } catch (error) {
        if (isFleetError(error)) return { valid: false, details: error.message };
        throw error;
      }
    },

    userList: async ({ actor, query }) => {
      const { users: rows, count } = await users.list(actor, query.q ?? "", query);
      return { users: rows.map(toUser), count };
    },

    userCreate: async ({ actor, body }) => {
      const fallback = await options.organizationStore.find("default");
      const user = await users.create(actor, {
        email: body.email,
        username: body.username,
        name: body.name,
        password: body.password,
        loginType: body.service_account ? "none" : body.login_type,
        serviceAccount: body.service_account,
        status: body.user_status,
        organizationIds: body.organization_ids?.length ? body.organization_ids : [fallback!.id],
      });
      return toUser(user);
    },

    siteRoleList: async ({ actor }) => {
      const refused = new FleetError("permission_denied", "You do not have permission to list roles.");
      authorizer.require(actor, "read", { type: "assign_role" }, refused);
      const assignable = new Set(assignableRoles(requireUser(actor).subject));
      return Object.keys(SITE_ROLES).map((role) => ({
        organization_id: "",
        ...toRole(role),
        assignable: assignable.has(role),
        built_in: true,
        site_permissions: [],
        organization_permissions: [],
        organization_member_permissions: [],
        user_permissions: [],
      }));
    },

    userGet: async ({ actor, params }) => toUser(await users.require(actor, "read", params.user)),

    userDelete: async ({ actor, params }) => {
      await users.delete(actor, params.user);
      return { message: "User has been deleted!" };
    },

    userProfileUpdate: async ({ actor, params, body }) =>
      toUser(await users.updateProfile(actor, params.user, body)),

    userPasswordUpdate: async ({ actor, params, body }) => {
      await users.updatePassword(actor, params.user, {
        oldPassword: body.old_password,
        password: body.password,
      });
      return undefined;
    },

    userSuspend: async ({ actor, params }) => toUser(await users.setStatus(actor, params.user, "suspended")),
    userActivate: async ({ actor, params }) => toUser(await users.setStatus(actor, params.user, "active")),

    userLoginType: async ({ actor, params }) => ({
      login_type: (await users.require(actor, "read_personal", params.user)).loginType,
    }),

    userAppearance: async ({ actor, params }) => users.appearance(actor, params.user),
    userAppearanceUpdate: async ({ actor, params, body }) =>
      users.setAppearance(actor, params.user, {
        theme_preference: body.theme_preference,
        terminal_font: body.terminal_font ?? "",
      }),

    userAutofillParameters: ({ actor, params, query }) =>
      users.lastParameters(actor, params.user, query.template_id),

    userQuietHours: async ({ actor, params }) => toQuietHours(await quietHours.get(actor, params.user)),
    userQuietHoursUpdate: async ({ actor, params, body }) =>
      toQuietHours(await quietHours.set(actor, params.user, body.schedule)),

    userRoles: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      return {
        roles: user.roles,
        organization_roles: Object.fromEntries(
          user.memberships.map(({ organizationId, roles }) => [organizationId, roles]),
        ),
      };
    },
    userRolesUpdate: async ({ actor, params, body }) =>
      toUser(await users.setRoles(actor, params.user, body.roles)),

    userOrganizationList: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      return (await organizations.list(actor, user.id)).map(toOrganization);
    },

    userOrganizationGet: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      const organization = await organizations.require(actor, "read", params.organization);
      if (!user.memberships.some(({ organizationId }) => organizationId === organization.id))
        throw new OrganizationNotFound();
      return toOrganization(organization);
    },
  } satisfies Partial<Handlers>;
}

function toQuietHours(hours: QuietHours) {
  return {
    raw_schedule: hours.schedule,
    user_set: hours.userSet,
    user_can_set: hours.userCanSet,
    time: hours.time,
    timezone: hours.timezone,
    next: hours.next.toISOString(),
  };
}

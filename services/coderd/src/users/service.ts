import { type Clock, type FieldViolation, FleetError } from "@fleet/base";
import { type Action, canAssignRole, canManageUser, SITE_ROLES } from "@fleet/rbac";
import type { ApiKeys } from "../apikeys/service.js";
import type { Actor } from "../auth/actor.js";
import { authorizer, isLimited, requireUser } from "../auth/authorizer.js";
import { checkPassword, type Passwords } from "../auth/passwords.js";
import type { LoginType, UserStatus } from "../database/gen/enums.js";
import type { RoleStore } from "../roles/store.js";
import { UserNotFound } from "./errors.js";
import type { UserEvents } from "./events.js";
import { createLogin, type Login } from "./login.js";
import { parseUserQuery } from "./query.js";
import type { UserRow, UserStore } from "./store.js";

/** User and service accounts. */
export type Users = {
  /** The user by id, name or `me`, if the actor may perform this action on it. */
  require(actor: Actor, action: Action, user: string): Promise<UserRow>;
  /** Like `require`, for changing the account: an actor cannot change users with more permissions than their own. */
  requireManaged(actor: Actor, action: Action, user: string): Promise<UserRow>;
  /** Does not check permissions. @throws UserNotFound. */
  find(actor: Actor, user: string): Promise<UserRow>;
  /** Whether the first user has been created. */
  exists(): Promise<boolean>;
  /** Creates the first user, an owner. @throws invalid_argument if a user already exists. */
  createFirst(request: {
    email: string;
    username: string;
    name?: string | undefined;
    password: string;
  }): Promise<UserRow>;
  readonly login: Login;
  /** @throws UserTaken if the email or username is in use, UnknownOrganization. */
  create(actor: Actor, request: CreateUser): Promise<UserRow>;
  /** One page of the users that match the query; actors who may not read all users only see themselves. */
  list(
    actor: Actor,
    query: string,
    page: { limit?: number | undefined; offset?: number | undefined },
  ): Promise<{ users: UserRow[]; count: number }>;
  /** Changes the username or full name. @throws UserTaken. */
  updateProfile(
    actor: Actor,
    user: string,
    profile: { username: string; name?: string | undefined },
  ): Promise<UserRow>;
  /** Changes a password and ends the user's other sessions. Changing one's own requires the current password. */
  updatePassword(
    actor: Actor,
    user: string,
    request: { oldPassword?: string | undefined; password: string },
  ): Promise<void>;
  /** Suspending a user ends its sessions. Owners and the actor themselves cannot be suspended. */
  setStatus(actor: Actor, user: string, status: "active" | "suspended"): Promise<UserRow>;
  /** Deletes the user and its keys. @throws failed_precondition while the user has workspaces. */
  delete(actor: Actor, user: string): Promise<void>;
  /** Sets the site roles. Actors cannot change their own, or grant roles that they may not assign. */
  setRoles(actor: Actor, user: string, roles: string[]): Promise<UserRow>;
  /** The user's dashboard appearance settings; empty strings if not set. */
  appearance(actor: Actor, user: string): Promise<{ theme_preference: string; terminal_font: string }>;
  /** The user's most recent values of the template's parameters. */
  lastParameters(actor: Actor, user: string, templateId: string): Promise<{ name: string; value: string }[]>;
  /** Sets the user's dashboard appearance. */
  setAppearance(
    actor: Actor,
    user: string,
    values: { theme_preference: string; terminal_font: string },
  ): Promise<{ theme_preference: string; terminal_font: string }>;
};

/** Names reserved for the API's own paths and pages. */
const RESERVED_NAMES = new Set(["me", "new", "create", "first", "login", "logout", "roles", "prebuilds"]);
const PAGE_LIMIT = 1000;

export type CreateUser = {
  email: string;
  username: string;
  name?: string | undefined;
  password?: string | undefined;
  loginType?: string | undefined;
  /** The request says that it is for a program: it must not have what only people have. */
  serviceAccount?: boolean | undefined;
  status?: UserStatus | undefined;
  organizationIds: string[];
};

export function createUsers(options: {
  store: UserStore;
  roles: RoleStore;
  apiKeys: ApiKeys;
  passwords: Passwords;
  events: UserEvents;
  clock: Clock;
  passwordLogin: boolean;
}): Users {
  const { store, roles: roleStore, apiKeys, passwords, events } = options;

  async function find(actor: Actor, user: string): Promise<UserRow> {
    const row = await store.find(user === "me" ? requireUser(actor).userId : user);
    if (!row) throw new UserNotFound();
    return row;
  }

  async function require(actor: Actor, action: Action, user: string): Promise<UserRow> {
    const row = await find(actor, user);
    authorizer.require(actor, action, { type: "user", id: row.id, ownerId: row.id }, new UserNotFound());
    return row;
  }

  async function requireManaged(actor: Actor, action: Action, user: string): Promise<UserRow> {
    const row = await require(actor, action, user);
    const target = {
      userId: row.id,
      roles: row.roles,
      orgRoles: await roleStore.ofUser(row.id),
    };
    if (canManageUser(requireUser(actor).subject, target)) return row;
    throw new FleetError(
      "permission_denied",
      "The user has roles that you do not have. Ask an owner to change the account.",
    );
  }

  return {
    require,
    requireManaged,
    find,
    login: createLogin(options),
    exists: async () => (await store.count()) > 0,

    async createFirst(request) {
      checkUsername(request.username);
      checkPassword(request.password);
      const user = await store.insertFirst({
        email: request.email,
        username: request.username,
        name: request.name ?? "",
        passwordHash: await passwords.hash(request.password),
        status: "active",
        loginType: "password",
        roles: ["owner"],
      });
      if (!user)
        throw new FleetError(
          "invalid_argument",
          "The initial user has already been created. Sign in instead.",
        );
      return user;
    },

    async create(actor, request) {
      authorizer.require(actor, "create", { type: "user" }, forbidden("create users"));
      checkUsername(request.username);
      const loginType = loginTypeOf(request);
      if (loginType === "password") {
        if (!options.passwordLogin)
          throw invalid("login_type", "Password authentication is disabled. Choose another login type.");
        checkPassword(request.password ?? "");
      }
      if (request.serviceAccount && (request.email !== "" || request.password)) {
        const field = request.email === "" ? "password" : "email";
        throw invalid(field, "A service account has neither an email address nor a password.");
      }
      if (request.email === "" && loginType !== "none")
        throw invalid("email", "An email address is required unless the user is a service account.");
      const user = await store.insert({
        email: request.email,
        username: request.username,
        name: request.name ?? "",
        passwordHash: loginType === "password" ? await passwords.hash(request.password!) : "",
        status: request.status ?? "dormant",
        loginType,
        roles: [],
        organizationIds: request.organizationIds,
      });
      await events.created(user, requireUser(actor).userId);
      return user;
    },

    async list(actor, query, page) {
      const { userId } = requireUser(actor);
      const filter = parseUserQuery(query);
      const all = authorizer.can(actor, "read", { type: "user" });
      if (!all && !authorizer.can(actor, "read", { type: "user", id: userId, ownerId: userId }))
        return { users: [], count: 0 };
      return store.list(all ? filter : { ...filter, id: userId }, {
        limit: Math.min(page.limit ?? 0, PAGE_LIMIT) || PAGE_LIMIT,
        offset: page.offset ?? 0,
      });
    },

    async updateProfile(actor, user, profile) {
      const row = await requireManaged(actor, "update_personal", user);
      if (profile.username !== row.username) checkUsername(profile.username);
      return store.update(row.id, { username: profile.username, name: profile.name ?? row.name });
    },

    async updatePassword(actor, user, request) {
      const row = await requireManaged(actor, "update_personal", user);
      if (row.loginType !== "password") {
        throw new FleetError("invalid_argument", "The user does not sign in with a password.");
      }
      const { userId, apiKeyId } = requireUser(actor);
      if (isLimited(requireUser(actor))) {
        throw new FleetError(
          "permission_denied",
          "A token that is limited, or that belongs to an app, cannot set passwords. Sign in with a password.",
        );
      }
      checkPassword(request.password);
      if (userId === row.id && !(await passwords.matches(request.oldPassword ?? "", row.passwordHash))) {
        const detail = "The current password is incorrect.";
        throw new FleetError("invalid_argument", detail, {
          validations: [{ field: "old_password", detail }],
        });
      }
      if (await passwords.matches(request.password, row.passwordHash)) {
        const detail = "New password cannot match old password.";
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "password", detail }] });
      }
      await store.update(row.id, { passwordHash: await passwords.hash(request.password) });
      await apiKeys.revokeAll(row.id, userId === row.id ? apiKeyId : undefined);
    },

    async setStatus(actor, user, status) {
      const row = await requireManaged(actor, "update", user);
      if (status === "suspended") {
        if (row.id === requireUser(actor).userId)
          throw new FleetError("invalid_argument", "You cannot suspend yourself.");
        if (row.roles.includes("owner")) {
          throw new FleetError(
            "invalid_argument",
            "An owner cannot be suspended. Remove the owner role first.",
          );
        }
      }
      const updated = await store.update(row.id, { status });
      if (status === "suspended") await apiKeys.endSessions(row.id);
      const by = requireUser(actor).userId;
      if (status === "suspended" && row.status !== "suspended") await events.suspended(row, by);
      if (status === "active" && row.status === "suspended") await events.activated(row, by);
      return updated;
    },

    async delete(actor, user) {
      const row = await requireManaged(actor, "delete", user);
      if (row.id === requireUser(actor).userId)
        throw new FleetError("invalid_argument", "You cannot delete yourself.");
      if ((await store.countWorkspaces(row.id)) > 0) {
        throw new FleetError(
          "failed_precondition",
          "The user still has workspaces. Delete them, then delete the user.",
        );
      }
      await store.update(row.id, { deleted: true });
      await apiKeys.revokeAll(row.id);
      await events.deleted(row, requireUser(actor).userId);
    },

    async setRoles(actor, user, roles) {
      const row = await require(actor, "read", user);
      authorizer.require(actor, "assign", { type: "assign_role" }, forbidden("assign roles"));
      const { subject } = requireUser(actor);
      const refused = roles.find((role) => role !== "member" && !canAssignRole(subject, role));
      if (refused) {
        const detail = `The role "${refused}" does not exist, or you do not have permission to assign it. Site roles: ${Object.keys(SITE_ROLES).join(", ")}.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "roles", detail }] });
      }
      if (row.id === requireUser(actor).userId) {
        throw new FleetError("invalid_argument", "You cannot change your own roles. Ask another owner.");
      }
      return store.update(row.id, { roles: [...new Set(roles)].filter((role) => role !== "member") });
    },

    async appearance(actor, user) {
      const row = await require(actor, "read_personal", user);
      const configs = await store.configs(row.id);
      return { theme_preference: configs.theme_preference ?? "", terminal_font: configs.terminal_font ?? "" };
    },

    async lastParameters(actor, user, templateId) {
      const row = await require(actor, "read_personal", user);
      return store.lastParameters(row.id, templateId);
    },

    async setAppearance(actor, user, values) {
      const row = await requireManaged(actor, "update_personal", user);
      await store.setConfigs(row.id, values);
      return values;
    },
  };
}

const CREATED_AS: readonly LoginType[] = ["password", "oidc", "github", "none"];

/** How the new user will sign in. Only a password user has a password. */
function loginTypeOf({ loginType, password }: CreateUser): LoginType {
  const wanted = loginType || (password ? "password" : "none");
  const known = CREATED_AS.find((each) => each === wanted);
  if (!known) {
    throw invalid(
      "login_type",
      `Users cannot be created with the login type "${wanted}". Valid values: ${CREATED_AS.join(", ")}.`,
    );
  }
  if (known !== "password" && password)
    throw invalid("password", `A user with the login type "${known}" has no password. Omit it.`);
  return known;
}

function invalid(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

function forbidden(what: string): FleetError {
  return new FleetError("permission_denied", `You do not have permission to ${what}.`);
}

/** The rule that clients also check: letters, digits and single hyphens between them, at most 32. */
export function checkUsername(username: string, field = "username"): void {
  const violation = nameViolation(username, field);
  if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
}

export function nameViolation(name: string, field: string): FieldViolation | undefined {
  if (name.length > 32) return { field, detail: "The name must be at most 32 characters long." };
  if (!/^[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/.test(name)) {
    return { field, detail: "The name can contain only letters and digits, separated by single hyphens." };
  }
  if (RESERVED_NAMES.has(name.toLowerCase()))
    return { field, detail: `"${name}" is reserved. Choose another name.` };
  return undefined;
}

import { FleetError } from "@fleet/base";
import { type AllowListEntry, parseAllowListEntry, SCOPES } from "@fleet/rbac";
import type { ApiKeys } from "../../apikeys/service.js";
import { requireUser } from "../../auth/authorizer.js";
import { toApiKey } from "../../convert/users.js";
import type { GitSshKeys } from "../../users/gitsshkeys.js";
import type { Users } from "../../users/service.js";
import type { Handlers } from "../handler.js";

const NS_PER_MS = 1_000_000;

export function createKeyHandlers(options: { apiKeys: ApiKeys; users: Users; gitSshKeys: GitSshKeys }) {
  const { apiKeys, users, gitSshKeys } = options;
  return {
    scopeList: async () => ({ external: [...SCOPES] }),

    keyCreate: async ({ actor, params, ip }) => {
      const user = await users.require(actor, "read", params.user);
      return { key: await apiKeys.createSession(actor, user.id, ip) };
    },

    sessionList: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      const { apiKeyId } = requireUser(actor);
      return (await apiKeys.listSessions(actor, user.id)).map((key) => ({
        id: key.id,
        created_at: key.createdAt.toISOString(),
        last_used: key.lastUsed.toISOString(),
        expires_at: key.expiresAt.toISOString(),
        ip_address: key.ipAddress,
        login_type: key.loginType,
        current: key.id === apiKeyId,
      }));
    },

    tokenList: async ({ actor, params, query }) => {
      const user = await users.require(actor, "read", params.user);
      const keys = await apiKeys.listTokens(
        actor,
        query.include_all ? undefined : user.id,
        query.include_expired ?? false,
      );
      return keys.map(toApiKey);
    },

    tokenCreate: async ({ actor, params, body, ip }) => {
      const allowList = (body.allow_list ?? []).map(entryOf);
      const user = await users.require(actor, "read", params.user);
      const key = await apiKeys.createToken(actor, user.id, {
        ...(body.lifetime ? { lifetimeMs: body.lifetime / NS_PER_MS } : {}),
        scopes: scopesOf(body),
        allowList,
        roles: user.roles,
        name: body.token_name ?? "",
        ip,
      });
      return { key };
    },

    tokenConfig: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      return { max_token_lifetime: apiKeys.maxLifetimeMs(user.roles) * NS_PER_MS };
    },

    tokenGetByName: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      return toApiKey(await apiKeys.getByName(actor, user.id, params.keyName));
    },

    keyGet: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      return toApiKey(await apiKeys.get(actor, user.id, params.key));
    },

    keyDelete: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      await apiKeys.delete(actor, user.id, params.key);
      return undefined;
    },

    keyExpire: async ({ actor, params }) => {
      const user = await users.require(actor, "read", params.user);
      await apiKeys.expire(actor, user.id, params.key);
      return undefined;
    },

    gitSshKeyGet: async ({ actor, params }) => {
      const user = await users.require(actor, "read_personal", params.user);
      return toGitSshKey(user.id, await gitSshKeys.get(user.id));
    },

    gitSshKeyRegenerate: async ({ actor, params }) => {
      const user = await users.requireManaged(actor, "update_personal", params.user);
      return toGitSshKey(user.id, await gitSshKeys.regenerate(user.id));
    },
  } satisfies Partial<Handlers>;
}

function entryOf(entry: string | { type: string; id: string }): AllowListEntry {
  const text = typeof entry === "string" ? entry : `${entry.type}:${entry.id}`;
  const parsed = parseAllowListEntry(text);
  if (parsed) return parsed;
  throw refuse(
    "allow_list",
    `"${text}" is not valid. Name an object as <type>:<id>, for example workspace:<uuid>, or all of a type as template:*`,
  );
}

function scopesOf({
  scope,
  scopes = [],
}: {
  scope?: string | undefined;
  scopes?: string[] | undefined;
}): string[] {
  if (scope && scopes.some((one) => one !== scope))
    throw refuse("scope", "Set either scope or scopes; they have different values.");
  return scopes.length > 0 ? scopes : [scope || "all"];
}

function refuse(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

function toGitSshKey(userId: string, key: { publicKey: string; createdAt: Date; updatedAt: Date }) {
  return {
    user_id: userId,
    created_at: key.createdAt.toISOString(),
    updated_at: key.updatedAt.toISOString(),
    public_key: key.publicKey,
  };
}

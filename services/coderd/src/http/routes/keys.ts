import { FleetError } from "@fleet/base";
import { SCOPES } from "@fleet/rbac";
import type { ApiKeys } from "../../apikeys/service.js";
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

    tokenList: async ({ actor, params, query }) => {
      const user = await users.require(actor, "read", params.user);
      const keys = await apiKeys.listTokens(actor, query.include_all ? undefined : user.id);
      return keys.map(toApiKey);
    },

    tokenCreate: async ({ actor, params, body, ip }) => {
      requireAllObjects(body.allow_list ?? []);
      const user = await users.require(actor, "read", params.user);
      const key = await apiKeys.createToken(actor, user.id, {
        ...(body.lifetime ? { lifetimeMs: body.lifetime / NS_PER_MS } : {}),
        scopes: scopesOf(body),
        name: body.token_name ?? "",
        ip,
      });
      return { key };
    },

    tokenConfig: async () => ({ max_token_lifetime: apiKeys.settings.maxTokenLifetimeMs * NS_PER_MS }),

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

/** Refuses allow lists: a restriction that is not enforced would be worse than none. */
function requireAllObjects(allowList: readonly (string | { type: string; id: string })[]): void {
  const entries = allowList.map((entry) => (typeof entry === "string" ? entry : `${entry.type}:${entry.id}`));
  if (entries.every((entry) => entry === "*:*")) return;
  throw refuse(
    "allow_list",
    "Tokens cannot be limited to individual resources. Omit allow_list and limit the token by scopes.",
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

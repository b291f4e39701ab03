import { randomBytes, randomUUID } from "node:crypto";
import { FleetError, isUuid } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import { nameViolation } from "../users/service.js";
import type { ProxyRow, ProxyStore } from "./store.js";

/** Id of the deployment's built-in proxy. It has no row: its token is the deployment's own. */
export const PRIMARY_PROXY_ID = "00000000-0000-0000-0000-000000000000";

/** Workspace proxies and their authentication. */
export type Proxies = {
  /** The proxy by id or name, if the actor may perform this action on it. @throws not_found. */
  require(actor: Actor, action: "read" | "update" | "delete", proxy: string): Promise<ProxyRow>;
  /** The proxy that the token belongs to. @throws unauthenticated for an unknown token. */
  authenticate(token: string): Promise<ProxyIdentity>;
  /** Proxies that the actor may read. */
  list(actor: Actor): Promise<ProxyRow[]>;
  /** Creates a proxy and a token, which is shown only once. */
  create(
    actor: Actor,
    request: { name: string; displayName: string; icon: string },
  ): Promise<{ row: ProxyRow; token: string }>;
  /** The token is returned only if it was regenerated; it is shown only once. */
  update(
    actor: Actor,
    proxy: string,
    change: {
      name?: string | undefined;
      displayName?: string | undefined;
      icon?: string | undefined;
      regenerateToken?: boolean | undefined;
    },
  ): Promise<{ row: ProxyRow; token: string | undefined }>;
  /** Deletes the proxy, which revokes its token and closes its connections. */
  delete(actor: Actor, proxy: string): Promise<void>;
  /** Records a heartbeat and the proxy's addresses. */
  seen(
    id: string,
    facts: { version: string; url?: string; wildcardHostname?: string },
    now: Date,
  ): Promise<void>;
};

/** An authenticated proxy. */
export type ProxyIdentity = { id: string; name: string; row?: ProxyRow };

export class ProxyNotFound extends FleetError {
  constructor() {
    super("not_found", "Workspace proxy not found, or you do not have access to it.");
  }
}

export function createProxies(options: { store: ProxyStore; primaryToken: string | undefined }): Proxies {
  const { store } = options;

  async function require(
    actor: Actor,
    action: "read" | "update" | "delete",
    proxy: string,
  ): Promise<ProxyRow> {
    const row = await store.find(proxy);
    if (!row) throw new ProxyNotFound();
    authorizer.require(actor, action, { type: "workspace_proxy", id: row.id }, new ProxyNotFound());
    return row;
  }

  const newToken = (id: string) => `${id}:${randomBytes(32).toString("hex")}`;

  return {
    require,

    async authenticate(token) {
      const { primaryToken } = options;
      if (primaryToken && sameHash(hashToken(token), hashToken(primaryToken))) {
        return { id: PRIMARY_PROXY_ID, name: "primary" };
      }
      const [id] = token.split(":");
      const row = id && isUuid(id) ? await store.find(id) : null;
      if (!row || !sameHash(hashToken(token), row.tokenHash)) {
        throw new FleetError(
          "unauthenticated",
          "The proxy token is invalid. Create one with `coder wsproxy create`.",
        );
      }
      return { id: row.id, name: row.name, row };
    },

    async list(actor) {
      authorizer.require(actor, "read", { type: "workspace_proxy" }, new ProxyNotFound());
      return store.list();
    },

    async create(actor, request) {
      authorizer.require(actor, "create", { type: "workspace_proxy" }, new ProxyNotFound());
      const violation = nameViolation(request.name, "name");
      if (violation) throw new FleetError("invalid_argument", violation.detail, { validations: [violation] });
      const id = randomUUID();
      const token = newToken(id);
      return {
        row: await store.insert({ id, ...request, tokenHash: new Uint8Array(hashToken(token)) }),
        token,
      };
    },

    async update(actor, proxy, change) {
      const row = await require(actor, "update", proxy);
      const token = change.regenerateToken ? newToken(row.id) : undefined;
      const updated = await store.update(row.id, {
        ...(change.name ? { name: change.name } : {}),
        ...(change.displayName !== undefined ? { displayName: change.displayName } : {}),
        ...(change.icon !== undefined ? { icon: change.icon } : {}),
        ...(token ? { tokenHash: new Uint8Array(hashToken(token)) } : {}),
      });
      return { row: updated, token };
    },

    async delete(actor, proxy) {
      const row = await require(actor, "delete", proxy);
      await store.update(row.id, { deleted: true });
    },

    seen: (id, facts, now) => (id === PRIMARY_PROXY_ID ? Promise.resolve() : store.seen(id, facts, now)),
  };
}

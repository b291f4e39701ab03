import { randomBytes, randomUUID } from "node:crypto";
import { FleetError, isUuid } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer } from "../auth/authorizer.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import { nameViolation } from "../users/service.js";
import type { ProxyRow, ProxyStore } from "./store.js";

/** Id of the proxy that stands in front of the deployment. It has no row: its token is the deployment's own. */
export const PRIMARY_PROXY_ID = "00000000-0000-0000-0000-000000000000";

export type Proxies = ReturnType<typeof createProxies>;

/** A proxy that has proved who it is. */
export type ProxyIdentity = { id: string; name: string; row?: ProxyRow };

export class ProxyNotFound extends FleetError {
  constructor() {
    super("not_found", "There is no such workspace proxy, or you may not see it.");
  }
}

export function createProxies(options: { store: ProxyStore; primaryToken: string | undefined }) {
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

    /** Whose token this is. Throws `unauthenticated` when it is nobody's. */
    async authenticate(token: string): Promise<ProxyIdentity> {
      const { primaryToken } = options;
      if (primaryToken && sameHash(hashToken(token), hashToken(primaryToken))) {
        return { id: PRIMARY_PROXY_ID, name: "primary" };
      }
      const [id] = token.split(":");
      const row = id && isUuid(id) ? await store.find(id) : null;
      if (!row || !sameHash(hashToken(token), row.tokenHash)) {
        throw new FleetError(
          "unauthenticated",
          "This proxy token is not valid. Make one with `coder wsproxy create`.",
        );
      }
      return { id: row.id, name: row.name, row };
    },

    async list(actor: Actor): Promise<ProxyRow[]> {
      authorizer.require(actor, "read", { type: "workspace_proxy" }, new ProxyNotFound());
      return store.list();
    },

    /** Makes a proxy and the token that is shown once. */
    async create(actor: Actor, request: { name: string; displayName: string; icon: string }) {
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

    async update(
      actor: Actor,
      proxy: string,
      change: {
        name?: string | undefined;
        displayName?: string | undefined;
        icon?: string | undefined;
        regenerateToken?: boolean | undefined;
      },
    ) {
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

    async delete(actor: Actor, proxy: string): Promise<void> {
      const row = await require(actor, "delete", proxy);
      await store.update(row.id, { deleted: true });
    },

    /** Notes a sign of life, and where the proxy can be reached. */
    seen: (id: string, facts: { version: string; url?: string; wildcardHostname?: string }, now: Date) =>
      id === PRIMARY_PROXY_ID ? Promise.resolve() : store.seen(id, facts, now),
  };
}

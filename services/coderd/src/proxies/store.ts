import { FleetError, isUuid } from "@fleet/base";
import { type Database, isUniqueViolation } from "../database/client.js";
import type { Prisma, WorkspaceProxy } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

export type ProxyRow = WorkspaceProxy;
/** Storage of workspace proxies. */
export type ProxyStore = {
  /** By uuid or name. */
  find(idOrName: string): Promise<ProxyRow | null>;
  /** Proxies that are not deleted. */
  list(): Promise<ProxyRow[]>;
  /** @throws already_exists if another proxy has this name. */
  insert(data: Prisma.WorkspaceProxyCreateInput): Promise<ProxyRow>;
  /** @throws already_exists if another proxy has this name. */
  update(id: string, data: Prisma.WorkspaceProxyUpdateInput): Promise<ProxyRow>;
  /** Records a heartbeat and what the proxy reports about itself. */
  seen(
    id: string,
    facts: { version: string; url?: string; wildcardHostname?: string },
    now: Date,
  ): Promise<void>;
};

export function createProxyStore(db: Database): ProxyStore {
  const refuseTaken = (error: unknown): never => {
    if (!isUniqueViolation(error)) throw error;
    const detail = "A workspace proxy with this name already exists. Choose another name.";
    throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
  };
  return {
    find(idOrName) {
      const byId = isUuid(idOrName);
      return db.workspaceProxy.findFirst({
        where: {
          deleted: false,
          ...(byId ? { id: idOrName } : { name: sameText(idOrName) }),
        },
      });
    },
    list: () => db.workspaceProxy.findMany({ where: { deleted: false }, orderBy: { name: "asc" } }),
    insert: (data) => db.workspaceProxy.create({ data }).catch(refuseTaken),
    update: (id, data) => db.workspaceProxy.update({ where: { id }, data }).catch(refuseTaken),
    async seen(id, facts, now) {
      await db.workspaceProxy.updateMany({ where: { id }, data: { ...facts, lastSeenAt: now } });
    },
  };
}

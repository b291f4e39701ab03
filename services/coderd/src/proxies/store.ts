import { FleetError, isUuid } from "@fleet/base";
import { type Database, isUniqueViolation } from "../database/client.js";
import type { Prisma, WorkspaceProxy } from "../database/gen/client.js";
import { sameText } from "../database/text.js";

export type ProxyRow = WorkspaceProxy;
export type ProxyStore = ReturnType<typeof createProxyStore>;

export function createProxyStore(db: Database) {
  const refuseTaken = (error: unknown): never => {
    if (!isUniqueViolation(error)) throw error;
    const detail = "A workspace proxy of this name is there already. Choose another name.";
    throw new FleetError("already_exists", detail, { validations: [{ field: "name", detail }] });
  };
  return {
    find(idOrName: string): Promise<ProxyRow | null> {
      const byId = isUuid(idOrName);
      return db.workspaceProxy.findFirst({
        where: {
          deleted: false,
          ...(byId ? { id: idOrName } : { name: sameText(idOrName) }),
        },
      });
    },
    list: () => db.workspaceProxy.findMany({ where: { deleted: false }, orderBy: { name: "asc" } }),
    insert: (data: Prisma.WorkspaceProxyCreateInput) => db.workspaceProxy.create({ data }).catch(refuseTaken),
    update: (id: string, data: Prisma.WorkspaceProxyUpdateInput) =>
      db.workspaceProxy.update({ where: { id }, data }).catch(refuseTaken),
    async seen(
      id: string,
      facts: { version: string; url?: string; wildcardHostname?: string },
      now: Date,
    ): Promise<void> {
      await db.workspaceProxy.updateMany({ where: { id }, data: { ...facts, lastSeenAt: now } });
    },
  };
}

import type { Audit } from "../../audit/service.js";
import { toAuditLog } from "../../convert/audit.js";
import type { Handlers } from "../handler.js";

export function createAuditHandlers({ audit }: { audit: Audit }) {
  return {
    auditList: async ({ actor, query }) => {
      const { rows, users, count } = await audit.list(actor, query.q ?? "", query);
      return { audit_logs: rows.map((row) => toAuditLog(row, users.get(row.userId ?? ""))), count };
    },
  } satisfies Partial<Handlers>;
}

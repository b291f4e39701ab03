import type { Audit } from "../../audit/service.js";
import type { ConnectionLog } from "../../connectionlog/service.js";
import { toAuditLog } from "../../convert/audit.js";
import { toConnectionLog } from "../../convert/connectionlog.js";
import type { UserRow } from "../../users/store.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

export function createAuditHandlers(nouns: { audit: Audit; connectionLog: ConnectionLog }) {
  const { audit, connectionLog } = nouns;
  return {
    auditList: async ({ actor, query }) => {
      const { count, ...page } = await audit.list(actor, query.q ?? "", query);
      return { audit_logs: toWire(page, toAuditLog), count };
    },
    auditExport: async ({ actor, query }) => jsonLines(audit.export(actor, query.q ?? ""), toAuditLog),
    connectionLogList: async ({ actor, query }) => {
      const { count, ...page } = await connectionLog.list(actor, query.q ?? "", query);
      return { connection_logs: toWire(page, toConnectionLog), count };
    },
    connectionLogExport: async ({ actor, query }) =>
      jsonLines(connectionLog.export(actor, query.q ?? ""), toConnectionLog),
  } satisfies Partial<Handlers>;
}

type Entry = { userId: string | null; organizationId: string | null };
type Page<Row> = { rows: Row[]; users: Map<string, UserRow> };
type ToWire<Row, Wire> = (row: Row, user: UserRow | undefined) => Wire;

function toWire<Row extends Entry, Wire>(page: Page<Row>, convert: ToWire<Row, Wire>) {
  return page.rows.map((row) => {
    const user = page.users.get(row.userId ?? "");
    return convert(row, user && withinEntry(user, row));
  });
}

/** The reader of one organization's log is not told which others a user belongs to. */
function withinEntry(user: UserRow, { organizationId }: Entry): UserRow {
  if (!organizationId) return user;
  const memberships = user.memberships.filter((membership) => membership.organizationId === organizationId);
  return { ...user, memberships };
}

function jsonLines<Row extends Entry>(pages: AsyncIterable<Page<Row>>, convert: ToWire<Row, unknown>): Reply {
  async function* lines() {
    for await (const page of pages)
      yield toWire(page, convert)
        .map((entry) => `${JSON.stringify(entry)}\n`)
        .join("");
  }
  return new Reply(lines(), { headers: { "Content-Type": "application/x-ndjson" } });
}

import type { AuditLog } from "@fleet/sdk";
import { useQuery } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import { useState } from "react";
import { Link } from "react-router";
import { auditQuery } from "../api/admin.js";
import { AuditDetails, sentenceOf } from "../modules/admin/audit-details.js";
import { ExportLink } from "../modules/admin/export-link.js";
import { AUDIT_KEYS } from "../modules/admin/filters.js";
import { Ago } from "../modules/format/time.js";
import { usePermissions } from "../modules/session/session.js";
import { Filter, faultOfSearch } from "../modules/ui/filter.js";
import { Allowed } from "../modules/ui/forbidden.js";
import { useListSearch } from "../modules/ui/list-search.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Paging } from "../modules/ui/paging.js";
import { Table } from "../modules/ui/table.js";

const PAGE_SIZE = 50;

/** `/audit?q=&page=`: who changed what. */
export function AuditPage() {
  useTitle("Audit log");
  return (
    <Allowed allowed={usePermissions().readAudit}>
      <Entries />
    </Allowed>
  );
}

function Entries() {
  const { q, page, setQuery, setPage } = useListSearch();
  const entries = useQuery(auditQuery({ q, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }));
  const [shown, setShown] = useState<AuditLog>();
  const fault = faultOfSearch(entries.error);
  return (
    <Page width="fluid">
      <PageHeader
        title="Audit log"
        lead="Every change, by users and by the platform itself."
        actions={<ExportLink path="/api/v2/audit/export" q={q} name="audit.jsonl" />}
      />
      <div className="flex">
        <Filter
          label="Search the audit log"
          placeholder="Search, or use username:ana, action:delete"
          query={q}
          onChange={setQuery}
          keys={AUDIT_KEYS}
          error={entries.error}
        />
      </div>
      <Table
        label="Audit log"
        rows={fault ? [] : entries.data?.audit_logs}
        keyOf={({ id }) => id}
        error={fault ? undefined : entries.error}
        onRetry={() => void entries.refetch()}
        busy={entries.isPlaceholderData}
        onOpen={(entry) => setShown(entry)}
        empty={<Empty icon={<ScrollText aria-hidden />} title={q ? "No matching entries" : "No entries"} />}
        columns={[
          { id: "time", title: "Time", width: "8.5rem", cell: ({ time }) => <Ago time={time} /> },
          {
            id: "user",
            title: "User",
            width: "minmax(0, 8rem)",
            from: "sm",
            cell: ({ user }) => <span className="block truncate">{user?.username ?? "Unknown"}</span>,
          },
          {
            id: "what",
            title: "Change",
            width: "minmax(0, 3fr)",
            cell: (entry) => <Change entry={entry} onOpen={() => setShown(entry)} />,
          },
          {
            id: "type",
            title: "Resource",
            width: "minmax(0, 9rem)",
            from: "lg",
            cell: ({ resource_type }) => resource_type.replaceAll("_", " "),
          },
          {
            id: "ip",
            title: "Address",
            width: "minmax(0, 8rem)",
            from: "xl",
            cell: ({ ip }) => <span className="block truncate font-mono text-sm">{ip}</span>,
          },
        ]}
      />
      <Paging page={page} size={PAGE_SIZE} count={entries.data?.count ?? 0} onChange={setPage} />
      {shown && <AuditDetails entry={shown} onClose={() => setShown(undefined)} />}
    </Page>
  );
}

/** What an entry says, and the way to what was changed. */
function Change({ entry, onOpen }: { entry: AuditLog; onOpen(): void }) {
  const { resource_link, is_deleted } = entry;
  return (
    <span className="flex items-baseline gap-2">
      <button type="button" onClick={onOpen} className="truncate rounded text-left hover:underline">
        {sentenceOf(entry)}
      </button>
      {resource_link && !is_deleted && (
        <Link
          to={resource_link}
          className="shrink-0 rounded text-muted text-sm hover:text-ink hover:underline"
        >
          Open
        </Link>
      )}
    </span>
  );
}

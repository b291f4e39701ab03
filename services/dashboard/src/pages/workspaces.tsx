import type { Workspace } from "@fleet/sdk";
import { Boxes, Plus, SearchX } from "lucide-react";
import { useCallback, useMemo } from "react";
import { Link, useSearchParams } from "react-router";
import { client } from "../api/client.js";
import { useLongList } from "../api/pages.js";
import { useFollowed } from "../api/updates.js";
import { workspacesKey } from "../api/workspaces.js";
import { usePermissions } from "../modules/session/session.js";
import { Button } from "../modules/ui/button.js";
import { Filter, faultOfSearch } from "../modules/ui/filter.js";
import { Empty, Page, PageHeader, useTitle } from "../modules/ui/page.js";
import { Segments } from "../modules/ui/section-nav.js";
import { type Sort, Table } from "../modules/ui/table.js";
import { ColumnsMenu, useColumns } from "../modules/ui/table-columns.js";
import { useSelection } from "../modules/ui/table-selection.js";
import { useIsWide } from "../modules/ui/width.js";
import { BulkActions } from "../modules/workspaces/bulk.js";
import { workspaceColumns } from "../modules/workspaces/columns.js";
import { divideQuery, joinQuery, type Scope, WORKSPACE_KEYS } from "../modules/workspaces/search.js";

/** Rows per request. */
const PAGE_SIZE = 25;
const DEFAULT_QUERY = "owner:me";

const SCOPES: { scope: Scope; label: string }[] = [
  { scope: "mine", label: "Mine" },
  { scope: "shared", label: "Shared with me" },
  { scope: "all", label: "All" },
];

/** `/workspaces?q=…&sort=…`: what is listed is in the URL, so that it can be bookmarked and shared. */
export function WorkspacesPage() {
  useTitle("Workspaces");
  const [search, setSearch] = useSearchParams();
  const query = search.get("q") ?? search.get("filter") ?? DEFAULT_QUERY;
  const { scope, rest } = divideQuery(query);
  const order = search.get("sort") ?? "";
  const permissions = usePermissions();
  const [choice, setChoice] = useColumns(`workspaces.${scope === "mine" ? "mine" : "all"}`);
  const columns = useMemo(() => workspaceColumns({ isMine: scope === "mine" }), [scope]);
  const selection = useSelection<Workspace>(nameOf);
  const isWide = useIsWide("sm");
  const list = useWorkspaces(query, order);
  const show = (q: string, sort = order) => setSearch({ q, ...(sort ? { sort } : {}) }, { replace: true });
  const setRest = useCallback(
    (next: string) =>
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          after.delete("filter");
          after.set("q", joinQuery(scope, next));
          return after;
        },
        { replace: true },
      ),
    [setSearch, scope],
  );
  return (
    <Page width="fluid">
      <PageHeader
        title="Workspaces"
        actions={
          <Button look="primary" asChild>
            <Link to="/templates">
              <Plus aria-hidden />
              New workspace
            </Link>
          </Button>
        }
      />
      <div className="flex flex-wrap items-start gap-2">
        <Segments
          label="Whose workspaces"
          value={scope}
          options={SCOPES.filter(
            (one) => one.scope !== "all" || permissions.readAllWorkspaces || scope === "all",
          ).map((one) => ({ value: one.scope, label: one.label }))}
          onChange={(next) => show(joinQuery(next as Scope, rest))}
        />
        <Filter
          label="Search workspaces"
          placeholder="Search by name, or add a filter"
          query={rest}
          onChange={setRest}
          keys={WORKSPACE_KEYS}
          error={list.error}
        />
        <ColumnsMenu columns={columns} choice={choice} onChange={setChoice} />
      </div>
      <Table
        label="Workspaces"
        columns={columns}
        columnChoice={choice}
        rows={faultOfSearch(list.error) ? [] : list.rows}
        keyOf={keyOf}
        error={faultOfSearch(list.error) ? undefined : list.error}
        onRetry={list.retry}
        busy={list.busy}
        onView={list.onView}
        sort={toSort(order)}
        onSort={(sort) => show(query, sort ? `${sort.descending ? "-" : ""}${sort.by}` : "")}
        {...(isWide ? { selection } : {})}
        empty={
          faultOfSearch(list.error) ? null : rest === "" && scope !== "all" ? (
            <NoWorkspaces scope={scope} />
          ) : (
            <NothingFound onClear={() => setRest("")} />
          )
        }
      />
      <BulkActions selection={selection} />
    </Page>
  );
}

const keyOf = ({ id }: Workspace) => id;
const nameOf = ({ name }: Workspace) => name;

function toSort(order: string): Sort | undefined {
  if (!order) return undefined;
  const descending = order.startsWith("-");
  return { by: descending ? order.slice(1) : order, descending };
}

/** The workspaces that a search finds, kept up to date where they are in view. */
function useWorkspaces(q: string, sort: string) {
  const list = useLongList<Workspace>({
    key: [...workspacesKey, q, sort],
    size: PAGE_SIZE,
    async load(page, signal) {
      const query = { q, ...page, ...(sort ? { sort: sort as "name" } : {}) };
      const { workspaces, count } = await client.workspaceList({ query, signal });
      return { rows: workspaces, count };
    },
  });
  useFollowed((list.rows ?? []).flatMap((row) => row?.id ?? []));
  return list;
}

function NoWorkspaces({ scope }: { scope: Scope }) {
  if (scope === "shared")
    return (
      <Empty icon={<Boxes aria-hidden />} title="Nothing is shared with you">
        Workspaces that others share with you are listed here.
      </Empty>
    );
  return (
    <Empty
      icon={<Boxes aria-hidden />}
      title="No workspaces yet"
      action={
        <Button look="primary" asChild>
          <Link to="/templates">Choose a template</Link>
        </Button>
      }
    >
      A workspace is a development environment created from a template.
    </Empty>
  );
}

function NothingFound({ onClear }: { onClear(): void }) {
  return (
    <Empty
      icon={<SearchX aria-hidden />}
      title="No workspaces found"
      action={<Button onClick={onClear}>Clear search</Button>}
    >
      No workspace matches this search.
    </Empty>
  );
}

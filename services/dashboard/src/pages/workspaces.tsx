import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Boxes, ChevronLeft, ChevronRight, Plus, SearchX } from "lucide-react";
import { useCallback } from "react";
import { Link, useSearchParams } from "react-router";
import { workspacesQuery } from "../api/workspaces.js";
import { Button, IconButton } from "../modules/ui/button.js";
import { Loaded } from "../modules/ui/loaded.js";
import { Card, Empty, PageHeader, SkeletonRows, useTitle } from "../modules/ui/page.js";
import { WorkspaceFilter } from "../modules/workspaces/filter.js";
import { WorkspaceRow } from "../modules/workspaces/row.js";

const PAGE_SIZE = 25;
const DEFAULT_QUERY = "owner:me";

/** `/workspaces?q=…&page=…`: the filter is in the URL, so that it can be bookmarked and shared. */
export function WorkspacesPage() {
  useTitle("Workspaces");
  const [search, setSearch] = useSearchParams();
  const query = search.get("q") ?? search.get("filter") ?? DEFAULT_QUERY;
  const page = Math.max(1, Number(search.get("page")) || 1);
  const list = useQuery({
    ...workspacesQuery({ q: query, limit: PAGE_SIZE, offset: (page - 1) * PAGE_SIZE }),
    placeholderData: keepPreviousData,
  });
  const setQuery = useCallback((q: string) => setSearch({ q }, { replace: true }), [setSearch]);
  const setPage = (next: number) => setSearch({ q: query, page: String(next) });

  return (
    <div className="flex flex-col gap-5">
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
      <WorkspaceFilter query={query} onChange={setQuery} />
      <Card>
        <Loaded query={list} skeleton={<SkeletonRows />} padded>
          {({ workspaces }) =>
            workspaces.length > 0 ? (
              <ul className="divide-y divide-line" aria-busy={list.isPlaceholderData}>
                {workspaces.map((workspace) => (
                  <WorkspaceRow key={workspace.id} workspace={workspace} />
                ))}
              </ul>
            ) : query === DEFAULT_QUERY ? (
              <NoWorkspaces />
            ) : (
              <NothingFound onClear={() => setQuery(DEFAULT_QUERY)} />
            )
          }
        </Loaded>
      </Card>
      {list.data && list.data.count > PAGE_SIZE && (
        <Pages page={page} count={list.data.count} onChange={setPage} />
      )}
    </div>
  );
}

function NoWorkspaces() {
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
      Search by name, or filter by <code className="font-mono text-sm">owner:</code>,{" "}
      <code className="font-mono text-sm">template:</code> and{" "}
      <code className="font-mono text-sm">status:</code>.
    </Empty>
  );
}

function Pages(props: { page: number; count: number; onChange(page: number): void }) {
  const { page, count, onChange } = props;
  const last = Math.ceil(count / PAGE_SIZE);
  return (
    <nav aria-label="Pages" className="flex items-center justify-end gap-2 text-muted text-sm">
      <span>
        {(page - 1) * PAGE_SIZE + 1}–{Math.min(count, page * PAGE_SIZE)} of {count}
      </span>
      <IconButton label="Previous page" disabled={page <= 1} onClick={() => onChange(page - 1)}>
        <ChevronLeft aria-hidden />
      </IconButton>
      <IconButton label="Next page" disabled={page >= last} onClick={() => onChange(page + 1)}>
        <ChevronRight aria-hidden />
      </IconButton>
    </nav>
  );
}

import type { CreateBuildRequest, Workspace } from "@fleet/sdk";
import { useQueryClient } from "@tanstack/react-query";
import { ArrowUpCircle, Play, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { client } from "../../api/client.js";
import { readError } from "../../api/errors.js";
import { workspacesKey } from "../../api/workspaces.js";
import { Button } from "../ui/button.js";
import { Confirm } from "../ui/confirm.js";
import { type Selection, SelectionBar } from "../ui/table-selection.js";
import { useToasts } from "../ui/toast.js";

/** Builds that are asked for at the same time. */
const AT_ONCE = 4;

type Act = {
  label: string;
  title(count: string): string;
  description: string;
  /** The workspaces that the act changes anything about. */
  fits(workspace: Workspace): boolean;
  request(workspace: Workspace): CreateBuildRequest;
  done: string;
  danger?: boolean;
};

const isIdle = ({ latest_build: { status } }: Workspace) =>
  ["running", "stopped", "failed", "canceled"].includes(status);

const ACTS = {
  start: {
    label: "Start",
    title: (count) => `Start ${count}?`,
    description: "Each starts with the version that it has.",
    fits: (workspace) => isIdle(workspace) && workspace.latest_build.status !== "running",
    request: () => ({ transition: "start" }),
    done: "starting",
  },
  stop: {
    label: "Stop",
    title: (count) => `Stop ${count}?`,
    description: "Running programs are stopped. Data on persistent disks is kept; everything else is lost.",
    fits: (workspace) => isIdle(workspace) && workspace.latest_build.status !== "stopped",
    request: () => ({ transition: "stop" }),
    done: "stopping",
  },
  update: {
    label: "Update",
    title: (count) => `Update ${count}?`,
    description:
      "Running workspaces restart with their template's active version, the others start with it. Running programs are stopped. A workspace that needs a new parameter value is left as it is.",
    fits: (workspace) => isIdle(workspace) && workspace.outdated,
    request: ({ latest_build, template_active_version_id: template_version_id }) => ({
      transition: "start",
      template_version_id,
      ...(latest_build.status === "running" ? { restart: true } : {}),
    }),
    done: "updating",
  },
  delete: {
    label: "Delete",
    title: (count) => `Delete ${count}?`,
    description:
      "Deletes the workspaces with their disks, files and all other resources. This cannot be undone.",
    fits: isIdle,
    request: () => ({ transition: "delete" }),
    done: "being deleted",
    danger: true,
  },
} satisfies Record<string, Act>;

const ICONS = { start: Play, stop: Square, update: ArrowUpCircle, delete: Trash2 };
const counted = (count: number) => (count === 1 ? "1 workspace" : `${count} workspaces`);

/** Starts, stops, updates or deletes the selected workspaces, as far as it applies to each; asks first. */
export function BulkActions({ selection }: { selection: Selection<Workspace> }) {
  const [asked, setAsked] = useState<keyof typeof ACTS>();
  const run = useBulk(selection);
  const selected = [...selection.keys.values()];
  const act: Act | undefined = asked && ACTS[asked];
  const fitting = act ? selected.filter(act.fits) : [];
  const others = selected.length - fitting.length;
  return (
    <>
      <SelectionBar selection={selection}>
        {(Object.keys(ACTS) as (keyof typeof ACTS)[]).map((name) => {
          const Icon = ICONS[name];
          return (
            <Button
              key={name}
              size="sm"
              icon={<Icon aria-hidden />}
              disabled={!selected.some(ACTS[name].fits)}
              onClick={() => setAsked(name)}
            >
              {ACTS[name].label}
            </Button>
          );
        })}
      </SelectionBar>
      {act && (
        <Confirm
          open
          onClose={() => setAsked(undefined)}
          title={act.title(counted(fitting.length))}
          description={
            <>
              <p>{act.description}</p>
              {others > 0 && (
                <p className="mt-2">It does not apply to {counted(others)} of those selected.</p>
              )}
            </>
          }
          action={`${act.label} ${counted(fitting.length)}`}
          danger={act.danger ?? false}
          {...(act.danger ? { typeToConfirm: String(fitting.length) } : {})}
          onConfirm={() => run(act, fitting)}
        />
      )}
    </>
  );
}

function useBulk(selection: Selection<Workspace>) {
  const queries = useQueryClient();
  const toasts = useToasts();
  return async (act: Act, workspaces: readonly Workspace[]) => {
    const waiting = [...workspaces];
    const failed = new Map<string, { workspace: Workspace; error: unknown }>();
    const work = async () => {
      for (let workspace = waiting.shift(); workspace; workspace = waiting.shift()) {
        const body = { reason: "dashboard", ...act.request(workspace) } as const;
        try {
          await client.workspaceBuildCreate({ params: { workspace: workspace.id }, body });
        } catch (error) {
          failed.set(workspace.id, { workspace, error });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await queries.invalidateQueries({ queryKey: workspacesKey });
    // What failed stays selected, to be tried again.
    selection.set(new Map([...failed].map(([id, { workspace }]) => [id, workspace])));
    const done = workspaces.length - failed.size;
    if (done > 0) toasts.done(`${counted(done)} ${act.done}.`);
    const [first] = failed.values();
    if (first)
      toasts.failed(
        new Error(`${first.workspace.name}: ${readError(first.error).message}`, { cause: first.error }),
        failed.size === 1 ? "1 workspace failed" : `${failed.size} workspaces failed`,
      );
  };
}

import type { Update, UpdatesRequest, Workspace, WorkspacesResponse } from "@fleet/sdk";
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useEffectEvent,
  useState,
  useSyncExternalStore,
} from "react";
import { client, pulse } from "./client.js";
import { inboxKey, putNotification } from "./inbox.js";
import { follow, HEARTBEAT_LIMIT_MS, type LiveState } from "./live.js";
import { putWorkspace, workspacesKey } from "./workspaces.js";

/** The server's limit; what is beyond it is only as new as its last request. */
const MOST_FOLLOWED = 200;

/** The stream of a tab, over which the server tells what changes in what the tab shows. */
export type Updates = {
  state(): LiveState;
  subscribe(listener: () => void): () => void;
  /** Follows these workspaces until the returned function is called. */
  follow(ids: readonly string[]): () => void;
  /** Connects until the returned function is called. */
  start(): () => void;
};

export function createUpdates(queries: QueryClient): Updates {
  const listeners = new Set<() => void>();
  const followed = new Set<readonly string[]>();
  let state: LiveState = "opening";
  let send: ((request: UpdatesRequest) => void) | undefined;

  function ask() {
    const workspaces = [...new Set([...followed].flat())].slice(0, MOST_FOLLOWED);
    send?.({ workspaces });
  }

  return {
    state: () => state,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    follow(ids) {
      // A copy: two parts of a page may follow the same list.
      const own = [...ids];
      followed.add(own);
      ask();
      return () => {
        followed.delete(own);
        ask();
      };
    },
    start() {
      const controller = new AbortController();
      let opened = false;
      void follow<Update>({
        open(signal) {
          // What was sent while the stream was broken was missed.
          if (opened && pulse.state() === "ok") refresh(queries);
          opened = true;
          const exchange = client.updatesWatch({ query: { heartbeat: true }, signal });
          send = (request) => exchange.send(request);
          ask();
          return exchange;
        },
        onItem: (update) => receive(queries, update),
        onState(next) {
          if (next === state) return;
          state = next;
          for (const listener of listeners) listener();
        },
        isOver: () => false,
        silenceMs: () => HEARTBEAT_LIMIT_MS,
        signal: controller.signal,
      });
      return () => controller.abort();
    },
  };
}

function refresh(queries: QueryClient): void {
  for (const queryKey of [inboxKey, workspacesKey, ["workspace"]])
    void queries.invalidateQueries({ queryKey });
}

function receive(queries: QueryClient, update: Update): void {
  if (update.workspace) {
    putWorkspace(queries, update.workspace);
    putInLists(queries, update.workspace);
  } else if (update.type === "notification" && update.notification) {
    putNotification(queries, update.notification);
  } else if (update.type === "workspaces") {
    void queries.invalidateQueries({ queryKey: workspacesKey });
  } else if (update.type === "gone") {
    void queries.invalidateQueries({ queryKey: workspacesKey });
    void queries.invalidateQueries({ queryKey: ["workspace"] });
  }
}

/** Replaces the workspace where lists show it. Whether a search still finds it is known at the next request. */
function putInLists(queries: QueryClient, workspace: Workspace): void {
  type Held = WorkspacesResponse | { rows: Workspace[]; count: number };
  queries.setQueriesData<Held>({ queryKey: workspacesKey }, (held) => {
    if (!held) return held;
    const rows = "rows" in held ? held.rows : held.workspaces;
    if (!rows.some(({ id }) => id === workspace.id)) return held;
    const next = rows.map((row) => (row.id === workspace.id ? workspace : row));
    return "rows" in held ? { ...held, rows: next } : { ...held, workspaces: next };
  });
}

const UpdatesContext = createContext<Updates | undefined>(undefined);

/** Connects for as long as it is shown: once, around all pages of somebody who is signed in. */
export function UpdatesProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [updates] = useState(() => createUpdates(queries));
  useEffect(() => updates.start(), [updates]);
  return <UpdatesContext value={updates}>{children}</UpdatesContext>;
}

/** Keeps these workspaces up to date wherever they are shown, and says whether that works. */
export function useFollowed(ids: readonly string[]): LiveState {
  const updates = useContext(UpdatesContext);
  if (!updates) throw new Error("useFollowed needs an UpdatesProvider around it.");
  const key = ids.join();
  const begin = useEffectEvent(() => updates.follow(ids));
  useEffect(() => (key ? begin() : undefined), [key]);
  return useSyncExternalStore(updates.subscribe, updates.state);
}

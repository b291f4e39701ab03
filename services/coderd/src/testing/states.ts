import type { WorkspaceBuild } from "@fleet/sdk";
import { SESSIONS_LOST_AFTER_MS } from "../agents/connections-store.js";
import {
  type AppHealth,
  type ConnectionStatus,
  type LifecycleState,
  LOST_AFTER_MS,
} from "../agents/status.js";
import { CARRY_ON_MS } from "../builds/restarts.js";
import type { WorkspaceStatus } from "../builds/status.js";
import { GONE_AFTER_MS } from "../deployment/replicas.js";
import { LOOK_MS } from "../grants/service.js";
import type { DaemonStatus } from "../provisionerdaemons/status.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import { PENDING_LIMIT_MS } from "../provisionerjobs/reap.js";
import type { JobStatus } from "../provisionerjobs/status.js";
import { ROUTE_TTL_SECONDS } from "../proxies/routes.js";
import { type ProxyStatus, UNREACHABLE_AFTER_MS } from "../proxies/status.js";

/** How a state is left when the other side is killed in it and nobody helps. */
export type End<S extends string> = {
  to: S;
  /** What ends it, as docs/states.md says it. */
  by: string;
  /** Counted from the last that was heard of the other side, or from the event that `by` names. */
  withinMs: number;
};

/** The last state, or one to stay in: nothing is under way that has to come to an end. */
export const RESTS = "rests";

/** Every state of a machine has a row: one without it does not compile. */
type Ends<S extends string> = { readonly [K in S]: End<S> | typeof RESTS };

/** The default of CODER_JOB_LOST_AFTER, and a round of the reaper that has just missed it. */
const JOB_LOST_MS = 60_000 + 5_000;
/** A round of the upkeep that has just missed it. */
const UPKEEP_MS = 60_000;

const nobody = {
  to: "failed",
  by: "no daemon that may take it was seen",
  withinMs: PENDING_LIMIT_MS,
} as const;
const lost = { to: "failed", by: "its daemon is silent; the state is kept", withinMs: JOB_LOST_MS } as const;
const calledOff = { to: "canceled", by: "its daemon is silent", withinMs: JOB_LOST_MS } as const;
const replaced = { to: "off", by: "the next build of the workspace that succeeds", withinMs: 0 } as const;
const away = { to: "unhealthy", by: "its agent is away", withinMs: LOST_AFTER_MS } as const;
const silent = { to: "offline", by: "nothing is heard of it", withinMs: DAEMON_STALE_MS } as const;

/** What coderd tells the state of, by machine. `states.test.ts` drives a real thing into each state that ends. */
export const ENDS = {
  build: {
    pending: nobody,
    starting: lost,
    stopping: lost,
    deleting: lost,
    canceling: calledOff,
    running: RESTS,
    stopped: RESTS,
    failed: RESTS,
    canceled: RESTS,
    deleted: RESTS,
  } satisfies Ends<WorkspaceStatus>,

  /** The start of a restart whose stop ended while no coderd was alive to see it. */
  restart: {
    waiting: {
      to: "started",
      by: "the next replica that looks for stops that have ended",
      withinMs: CARRY_ON_MS,
    },
    started: RESTS,
    dropped: RESTS,
  } satisfies Ends<NonNullable<WorkspaceBuild["next_build"]>["status"]>,

  templateVersion: {
    pending: nobody,
    running: {
      to: "pending",
      by: "its daemon is silent: it runs again, three times in all",
      withinMs: JOB_LOST_MS,
    },
    canceling: calledOff,
    succeeded: RESTS,
    canceled: RESTS,
    failed: RESTS,
  } satisfies Ends<JobStatus>,

  agentConnection: {
    connecting: { to: "timeout", by: "its connection_timeout, unless that is 0", withinMs: 120_000 },
    connected: { to: "disconnected", by: "nothing is heard of it", withinMs: LOST_AFTER_MS },
    timeout: RESTS,
    disconnected: RESTS,
  } satisfies Ends<ConnectionStatus>,

  agentLifecycle: {
    created: replaced,
    starting: replaced,
    start_timeout: replaced,
    start_error: replaced,
    ready: replaced,
    shutting_down: replaced,
    shutdown_timeout: RESTS,
    shutdown_error: RESTS,
    off: RESTS,
  } satisfies Ends<LifecycleState>,

  /** The control stream of an agent that a later build has replaced. */
  replacedAgent: {
    streaming: { to: "cut", by: "its replica of coderd reads what has changed", withinMs: LOOK_MS },
    cut: RESTS,
  } satisfies Ends<"streaming" | "cut">,

  app: {
    initializing: away,
    healthy: away,
    unhealthy: RESTS,
    disabled: RESTS,
  } satisfies Ends<AppHealth>,

  /** A session in the connection log. */
  connection: {
    open: {
      to: "ended",
      by: "nothing is heard of its agent; at once when the agent comes back as another process",
      withinMs: SESSIONS_LOST_AFTER_MS + UPKEEP_MS,
    },
    ended: RESTS,
  } satisfies Ends<"open" | "ended">,

  daemon: { idle: silent, busy: silent, offline: RESTS } satisfies Ends<DaemonStatus>,

  proxy: {
    ok: { to: "unreachable", by: "nothing is heard of it", withinMs: UNREACHABLE_AFTER_MS },
    unreachable: RESTS,
    unregistered: RESTS,
  } satisfies Ends<ProxyStatus>,

  /** That a replica of the proxy holds an agent's tunnel, while another one holds it, too. */
  route: {
    held: { to: "gone", by: "its holder announces it no more", withinMs: ROUTE_TTL_SECONDS * 1_000 },
    gone: RESTS,
  } satisfies Ends<"held" | "gone">,

  replica: {
    listed: { to: "gone", by: "it misses three beats", withinMs: GONE_AFTER_MS },
    gone: RESTS,
  } satisfies Ends<"listed" | "gone">,

  key: {
    valid: { to: "ended", by: "its time is over: here, of a token for a minute", withinMs: 60_000 },
    ended: RESTS,
  } satisfies Ends<"valid" | "ended">,
};

export type Machines = typeof ENDS;

/** The states of a machine that end. */
export type Ending<M extends keyof Machines> = {
  [S in keyof Machines[M]]: Machines[M][S] extends typeof RESTS ? never : S;
}[keyof Machines[M]];

export type EndingState = { machine: keyof Machines; state: string } & End<string>;

/** Each state that ends, in the table's order. */
export function endingStates(): EndingState[] {
  return Object.entries(ENDS).flatMap(([machine, states]) =>
    Object.entries<End<string> | typeof RESTS>(states).flatMap(([state, end]) =>
      end === RESTS ? [] : [{ machine: machine as keyof Machines, state, ...end }],
    ),
  );
}

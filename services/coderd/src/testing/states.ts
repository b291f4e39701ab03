import type { WorkspaceBuild } from "@fleet/sdk";
import {
  type AppHealth,
  type ConnectionStatus,
  type LifecycleState,
  LOST_AFTER_MS,
} from "../agents/status.js";
import { CARRY_ON_MS } from "../builds/restarts.js";
import type { WorkspaceStatus } from "../builds/status.js";
import { SESSIONS_LOST_AFTER_MS } from "../connectionlog/reports-store.js";
import { GONE_AFTER_MS } from "../deployment/replicas.js";
import { LOOK_MS } from "../grants/service.js";
import type { DaemonStatus } from "../provisionerdaemons/status.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import { PENDING_LIMIT_MS } from "../provisionerjobs/reap.js";
import type { JobStatus } from "../provisionerjobs/status.js";
import { ROUTE_TTL_SECONDS } from "../proxies/routes.js";
import { type ProxyStatus, UNREACHABLE_AFTER_MS } from "../proxies/status.js";
import { ROLLOUTS_MS } from "../rollouts/service.js";
import type { RolloutStatus } from "../rollouts/status.js";

/** How a state ends on its own after the peer was killed. */
export type End<S extends string> = {
  to: S;
  /** What ends it; also shown in docs/states.md. */
  by: string;
  /** Counted from the peer's last heartbeat, or from the event in `by`. */
  withinMs: number;
};

/** A final or stable state. */
export const RESTS = "rests";

/** Requires a row for every state of a machine at compile time. */
type Ends<S extends string> = { readonly [K in S]: End<S> | typeof RESTS };

/** Default of CODER_JOB_LOST_AFTER plus one interval of the reaper. */
const JOB_LOST_MS = 60_000 + 5_000;
/** One interval of the periodic job that ends lost connections. */
const UPKEEP_MS = 60_000;

const nobody = {
  to: "failed",
  by: "no eligible daemon connected",
  withinMs: PENDING_LIMIT_MS,
} as const;
const lost = {
  to: "failed",
  by: "its daemon stopped sending heartbeats after it began to apply; the state is kept",
  withinMs: JOB_LOST_MS,
} as const;
const canceling = {
  to: "canceled",
  by: "its daemon stopped sending heartbeats",
  withinMs: JOB_LOST_MS,
} as const;
const replaced = { to: "off", by: "the workspace's next successful build", withinMs: 0 } as const;
const away = { to: "unhealthy", by: "its agent disconnects", withinMs: LOST_AFTER_MS } as const;
const silent = { to: "offline", by: "no heartbeat", withinMs: DAEMON_STALE_MS } as const;

/** coderd's state machines. `states.test.ts` drives a real object into each state that ends. */
export const ENDS = {
  build: {
    pending: nobody,
    starting: lost,
    stopping: lost,
    deleting: lost,
    canceling: canceling,
    running: RESTS,
    stopped: RESTS,
    failed: RESTS,
    canceled: RESTS,
    deleted: RESTS,
  } satisfies Ends<WorkspaceStatus>,

  /** The start of a restart whose stop finished while no coderd was running. */
  restart: {
    waiting: {
      to: "started",
      by: "the next replica that checks for finished stops",
      withinMs: CARRY_ON_MS,
    },
    started: RESTS,
    dropped: RESTS,
  } satisfies Ends<NonNullable<WorkspaceBuild["next_build"]>["status"]>,

  /** A rollout that nobody looks at; here, of one step and to a template without workspaces. */
  rollout: {
    running: {
      to: "finished",
      by: "its steps are over and the workspaces work; stopped if too many fail. Here, one step of a minute",
      withinMs: 60_000 + ROLLOUTS_MS,
    },
    paused: RESTS,
    stopped: RESTS,
    finished: RESTS,
    aborted: RESTS,
    superseded: RESTS,
  } satisfies Ends<RolloutStatus>,

  templateVersion: {
    pending: nobody,
    running: {
      to: "pending",
      by: "its daemon stopped sending heartbeats; retried up to three runs in total",
      withinMs: JOB_LOST_MS,
    },
    canceling: canceling,
    succeeded: RESTS,
    canceled: RESTS,
    failed: RESTS,
  } satisfies Ends<JobStatus>,

  agentConnection: {
    connecting: { to: "timeout", by: "its connection_timeout expires, unless it is 0", withinMs: 120_000 },
    connected: { to: "disconnected", by: "no heartbeat", withinMs: LOST_AFTER_MS },
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
    streaming: { to: "cut", by: "its coderd replica reads the change", withinMs: LOOK_MS },
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
      by: "its agent stops sending heartbeats; at once if the agent restarts",
      withinMs: SESSIONS_LOST_AFTER_MS + UPKEEP_MS,
    },
    ended: RESTS,
  } satisfies Ends<"open" | "ended">,

  daemon: { idle: silent, busy: silent, offline: RESTS } satisfies Ends<DaemonStatus>,

  proxy: {
    ok: { to: "unreachable", by: "no heartbeat", withinMs: UNREACHABLE_AFTER_MS },
    unreachable: RESTS,
    unregistered: RESTS,
  } satisfies Ends<ProxyStatus>,

  /** A proxy replica's route to an agent that is also connected to another replica. */
  route: {
    held: { to: "gone", by: "its replica stops announcing it", withinMs: ROUTE_TTL_SECONDS * 1_000 },
    gone: RESTS,
  } satisfies Ends<"held" | "gone">,

  replica: {
    listed: { to: "gone", by: "three missed heartbeats", withinMs: GONE_AFTER_MS },
    gone: RESTS,
  } satisfies Ends<"listed" | "gone">,

  key: {
    valid: { to: "ended", by: "it expires; here, a token with a lifetime of one minute", withinMs: 60_000 },
    ended: RESTS,
  } satisfies Ends<"valid" | "ended">,
};

export type Machines = typeof ENDS;

/** The machine's states that end. */
export type Ending<M extends keyof Machines> = {
  [S in keyof Machines[M]]: Machines[M][S] extends typeof RESTS ? never : S;
}[keyof Machines[M]];

export type EndingState = { machine: keyof Machines; state: string } & End<string>;

/** All states that end, in table order. */
export function endingStates(): EndingState[] {
  return Object.entries(ENDS).flatMap(([machine, states]) =>
    Object.entries<End<string> | typeof RESTS>(states).flatMap(([state, end]) =>
      end === RESTS ? [] : [{ machine: machine as keyof Machines, state, ...end }],
    ),
  );
}

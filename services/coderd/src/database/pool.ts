import { Socket } from "node:net";
import { type Clock, FleetError } from "@fleet/base";
import pg from "pg";
import { OrderlyClient } from "./orderly-client.js";
import { PatientPool } from "./patient-pool.js";
import { createWatch } from "./watch.js";

/** Connections of this process. `waiting` counts queries that wait for a connection. */
export type Connections = { max: number; idle: number; used: number; waiting: number };

/** Postgres cancels statements that take longer. */
const STATEMENT_TIMEOUT_MS = 60_000;
/** A connection with no traffic for this long, longer than any statement may take, is dead. */
const DEAD_CONNECTION_MS = STATEMENT_TIMEOUT_MS + 10_000;

/** All pools of the process, with one watchdog for their server. */
export type Pools = {
  /** Opens a pool; it connects on the first query. */
  open(options: PoolOptions): pg.Pool;
  close(): Promise<void>;
};

export type PoolOptions = { name: string; size: number; onConnect?(client: pg.ClientBase): Promise<void> };

export type PoolsOptions = {
  url: string;
  clock: Clock;
  /** Called when Postgres accepts connections but does not respond, and when it recovers. */
  onAway(reason: Error): void;
  onBack(): void;
};

/** The error of every query while Postgres hangs. */
function away(): FleetError {
  return new FleetError(
    "unavailable",
    "The database (Postgres) is not responding. No data was lost; try again in a moment.",
  );
}

/**
 * When Postgres hangs, pending queries fail, their connections are dropped, and further queries fail at once until it
 * responds again. Nothing piles up meanwhile, and no connection is leaked.
 */
export function createPools({ url, clock, onAway, onBack }: PoolsOptions): Pools {
  const pools: pg.Pool[] = [];
  const sockets = new Set<Socket>();
  let isAway = false;

  const watch = createWatch({
    clock,
    waiting: () => pools.some((pool) => pool.totalCount > pool.idleCount),
    ask: (signal) => ask(url, signal),
    onAway() {
      isAway = true;
      onAway(new Error("it is not responding"));
      for (const socket of sockets) socket.destroy(away());
    },
    onBack() {
      isAway = false;
      onBack();
    },
  });

  function openSocket(): Socket {
    if (isAway) return new ClosedSocket();
    const socket = new Socket();
    sockets.add(socket);
    socket.on("data", watch.heard);
    socket.setTimeout(DEAD_CONNECTION_MS, () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
    return socket;
  }

  return {
    open({ name, size, onConnect }) {
      const pool = new PatientPool(
        {
          connectionString: url,
          max: size,
          statement_timeout: STATEMENT_TIMEOUT_MS,
          keepAlive: true,
          application_name: name,
          Client: OrderlyClient,
          stream: openSocket,
          ...(onConnect ? { onConnect } : {}),
        },
        clock,
      );
      // The pool replaces a closed idle connection; without a listener, its error event would end the process.
      pool.on("error", () => {});
      pools.push(pool);
      return pool;
    },
    async close() {
      watch.close();
      await Promise.all(pools.map((pool) => pool.end()));
    },
  };
}

/** Any response is a sign of life, including an error from Postgres. */
async function ask(url: string, signal: AbortSignal): Promise<boolean> {
  const socket = new Socket();
  signal.addEventListener("abort", () => socket.destroy());
  const client = new pg.Client({
    connectionString: url,
    application_name: "coderd watch",
    stream: () => socket,
  });
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("SELECT 1");
    return true;
  } catch (error) {
    return error instanceof pg.DatabaseError;
  } finally {
    socket.destroy();
  }
}

/** Stands in for a connection to a hanging server. */
class ClosedSocket extends Socket {
  override connect(): this {
    process.nextTick(() => this.destroy(away()));
    return this;
  }
}

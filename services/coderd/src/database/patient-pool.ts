import { type BackoffPolicy, type Clock, createBackoff, FleetError } from "@fleet/base";
import pg from "pg";
import { isPostgresAway } from "../outage.js";

/**
 * How long a query waits for a connection, including for a restarting server, before its request fails with
 * `unavailable`.
 */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Maximum queries per pool that wait for a connection; further ones are rejected. */
const MAX_WAITING = 2_000;
/** Backoff between connection attempts while the server refuses connections. */
const LOOK: BackoffPolicy = { initialMs: 50, maxMs: 500, factor: 2 };

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, release: () => void) => void;

/**
 * A pool whose queries wait while the server refuses connections because it is restarting, so that unsent queries do
 * not fail. One query probes the server and the others wait for it. Queries beyond MAX_WAITING are rejected.
 */
export class PatientPool extends pg.Pool {
  readonly #clock: Clock;
  #back: Promise<void> | undefined;
  #outside = 0;

  constructor(config: pg.PoolConfig, clock: Clock) {
    super({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    this.#clock = clock;
  }

  // pg calls this with a callback; other callers use the promise.
  override connect(callback?: unknown): never {
    if (callback) this.#connect(callback as Connected, this.#clock.now().getTime() + CONNECT_TIMEOUT_MS);
    else {
      return new Promise((resolve, reject) => {
        this.connect(((error, client) => (error ? reject(error) : resolve(client))) satisfies Connected);
      }) as never;
    }
    return undefined as never;
  }

  #connect(callback: Connected, until: number): void {
    if (this.waitingCount + this.#outside >= MAX_WAITING) {
      const busy = "Too many requests are waiting for the database. Try again in a moment.";
      process.nextTick(callback, new FleetError("unavailable", busy), undefined, () => {});
    } else if (this.#back !== undefined) {
      this.#wait(callback, until);
    } else {
      this.#tryOnce((error, client, release) => {
        if (error && this.#mayWait(error) && this.#clock.now().getTime() < until)
          this.#wait(callback, until, error);
        else callback(error, client, release);
      });
    }
  }

  #wait(callback: Connected, until: number, error?: Error): void {
    this.#back ??= this.#look(until).finally(() => {
      this.#back = undefined;
    });
    this.#outside += 1;
    const left = Math.max(0, until - this.#clock.now().getTime());
    void Promise.race([this.#back, this.#clock.sleep(left)]).then(() => {
      this.#outside -= 1;
      if (this.#clock.now().getTime() < until) this.#connect(callback, until);
      else callback(error ?? notThere(), undefined, () => {});
    });
  }

  /** Resolves when a connection succeeds or retrying is pointless. */
  async #look(until: number): Promise<void> {
    const backoff = createBackoff(LOOK);
    while (this.#clock.now().getTime() < until && !this.ending) {
      await this.#clock.sleep(backoff.next());
      const failure = await new Promise<Error | undefined>((resolve) => {
        this.#tryOnce((error, _client, release) => {
          release();
          resolve(error);
        });
      });
      if (!failure || !this.#mayWait(failure)) return;
    }
  }

  #tryOnce(callback: Connected): void {
    super.connect(callback as never);
  }

  /** A FleetError means that the server hangs: waiting queries fail at once. */
  #mayWait(error: Error): boolean {
    return !(error instanceof FleetError) && !this.ending && isPostgresAway(error);
  }
}

function notThere(): FleetError {
  return new FleetError(
    "unavailable",
    "The database (Postgres) is not accepting connections. No data was lost; try again in a moment.",
  );
}

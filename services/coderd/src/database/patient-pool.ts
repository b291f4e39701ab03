import { type BackoffPolicy, type Clock, createBackoff, FleetError } from "@fleet/base";
import pg from "pg";
import { isPostgresAway } from "../outage.js";

/** A query waits so long for a connection, to a server that restarts too; then its request fails with `unavailable`. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Queries of one pool that wait for a connection; more are refused. */
const MAX_WAITING = 2_000;
/** Between two looks whether a server that refuses connections takes them again. */
const LOOK: BackoffPolicy = { initialMs: 50, maxMs: 500, factor: 2 };

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, release: () => void) => void;

/**
 * A pool whose queries wait for a server that refuses connections, because it restarts: of what is not sent yet, nothing
 * fails. One of them looks for it, the others wait for that one. What would wait behind too many others is refused.
 */
export class PatientPool extends pg.Pool {
  readonly #clock: Clock;
  #back: Promise<void> | undefined;
  #outside = 0;

  constructor(config: pg.PoolConfig, clock: Clock) {
    super({ ...config, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
    this.#clock = clock;
  }

  // pg calls it with a callback, others want the promise.
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

  /** Resolves once a connection could be made, or it is no use to look on. */
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

  /** A FleetError says that the server hangs: whoever waits is told at once. */
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

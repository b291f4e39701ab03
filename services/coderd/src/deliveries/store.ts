import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import { toJson } from "../database/json.js";
import type { Dbcrypt } from "../dbcrypt/dbcrypt.js";
import { type DeliveryState, MAX_PAUSE_MS } from "./status.js";

/** A message to send. */
export type NewDelivery = {
  /** Generated if undefined. */
  id?: string | undefined;
  /** The channel, or `channel:id` where each id is served on its own. */
  destination: string;
  /** What it is, for people who look through failed messages. Not secret. */
  subject: string;
  /** JSON for the channel; encrypted where the deployment has keys, and deleted when the message has been sent. */
  payload: unknown;
  /** A message with the same key is only stored once. */
  dedupeKey?: string | undefined;
  /** Not sent after this time. */
  expiresAt?: Date | undefined;
};

/** A message that this replica may send until its lease ends. */
export type LeasedDelivery = {
  id: string;
  destination: string;
  subject: string;
  payload: unknown;
  /** Including this one. */
  attempts: number;
  expiresAt: Date | null;
  createdAt: Date;
};

export type DeliveryResult = {
  id: string;
  state: DeliveryState;
  reason: string;
  /** When a pending message is sent next. */
  dueAt: Date;
  /** An attempt that does not count. */
  uncounted: boolean;
};

export type DeliveryRow = {
  id: string;
  destination: string;
  subject: string;
  state: string;
  attempts: number;
  reason: string;
  dueAt: Date;
  createdAt: Date;
  updatedAt: Date;
};

export type Lease = {
  destination: string;
  take: number;
  leaseId: string;
  leaseMs: number;
  maxAttempts: number;
};

/** Storage of messages to the outside. */
export type DeliveryStore = {
  /** Stores the messages that are not stored yet, in the transaction if one is given. */
  insert(deliveries: readonly NewDelivery[], now: Date, tx?: Transaction): Promise<void>;
  /** Destinations with messages to send, at most `take`. */
  dueDestinations(now: Date, take: number): Promise<string[]>;
  /**
   * Leases up to `take` messages, except those with these ids. Messages whose last attempt was never reported end here.
   */
  lease(lease: Lease, except: readonly string[], now: Date): Promise<LeasedDelivery[]>;
  /** Stores results of messages whose lease is still held. */
  record(results: readonly DeliveryResult[], leaseId: string, now: Date): Promise<void>;
  /** Newest first, with the total count. */
  list(
    filter: { state?: DeliveryState | undefined; destination?: string | undefined },
    page: { take: number; skip: number },
  ): Promise<{ rows: DeliveryRow[]; count: number }>;
  /** Makes dead messages pending again: those with the ids, or all. Returns how many. */
  revive(ids: readonly string[] | undefined, now: Date): Promise<number>;
};

const PLACE = "deliveries.payload";
/** Rows per statement. */
const BATCH = 1_000;

export function createDeliveryStore(db: Database, crypt: Dbcrypt): DeliveryStore {
  const seal = (payload: unknown) => crypt.seal(Buffer.from(JSON.stringify(payload)), PLACE);
  const open = (payload: Uint8Array): unknown =>
    JSON.parse(Buffer.from(crypt.open(payload, PLACE)).toString("utf8"));

  /**
   * A time far in the future was written by a clock that was wrong: nobody waits for it.
   */
  const due = (now: Date) =>
    Prisma.sql`(due_at <= ${now} OR due_at > ${new Date(now.getTime() + 2 * MAX_PAUSE_MS)})`;
  const unleased = (now: Date, leaseMs: number) =>
    Prisma.sql`(leased_until IS NULL OR leased_until <= ${now} OR leased_until > ${new Date(now.getTime() + 2 * leaseMs)})`;

  return {
    async insert(deliveries, now, tx = db) {
      for (let from = 0; from < deliveries.length; from += BATCH) {
        await tx.delivery.createMany({
          data: deliveries.slice(from, from + BATCH).map(({ id, payload, ...delivery }) => ({
            ...(id ? { id } : {}),
            ...delivery,
            payload: seal(payload),
            dueAt: now,
            createdAt: now,
            updatedAt: now,
          })),
          skipDuplicates: true,
        });
      }
    },

    async dueDestinations(now, take) {
      const rows = await db.$queryRaw<{ destination: string }[]>`
        SELECT DISTINCT destination FROM deliveries WHERE state = 'pending' AND ${due(now)} LIMIT ${take}`;
      return rows.map(({ destination }) => destination);
    },

    async lease({ destination, take, leaseId, leaseMs, maxAttempts }, except, now) {
      const until = new Date(now.getTime() + leaseMs);
      const rows = await db.$queryRaw<
        (Omit<LeasedDelivery, "payload"> & { payload: Uint8Array; state: string })[]
      >`
        UPDATE deliveries d SET
          state = CASE WHEN d.attempts >= ${maxAttempts} THEN 'dead' ELSE 'pending' END,
          reason = CASE WHEN d.attempts >= ${maxAttempts}
            THEN 'The replica that sent it stopped before it knew whether it had arrived.' ELSE d.reason END,
          attempts = LEAST(d.attempts + 1, ${maxAttempts}), lease_id = ${leaseId}::uuid, leased_until = ${until},
          updated_at = ${now}
        FROM (
          SELECT id FROM deliveries
          WHERE state = 'pending' AND destination = ${destination} AND ${due(now)} AND ${unleased(now, leaseMs)}
            AND NOT id = ANY(${[...except]}::uuid[])
          ORDER BY due_at, created_at LIMIT ${take} FOR UPDATE SKIP LOCKED
        ) taken WHERE d.id = taken.id
        RETURNING d.id, d.destination, d.subject, d.payload, d.attempts, d.state, d.expires_at AS "expiresAt",
          d.created_at AS "createdAt"`;
      return rows
        .filter(({ state }) => state === "pending")
        .map(({ state: _, payload, ...row }) => ({ ...row, payload: open(payload) }));
    },

    async record(results, leaseId, now) {
      const rows = results.map(({ dueAt, uncounted, ...result }) => ({
        ...result,
        due_at: dueAt.toISOString(),
        uncounted: uncounted ? 1 : 0,
      }));
      await db.$executeRaw`
        UPDATE deliveries d SET state = r.state, reason = r.reason, due_at = r.due_at, lease_id = NULL,
          leased_until = NULL, attempts = d.attempts - r.uncounted, updated_at = ${now},
          payload = CASE WHEN r.state = 'sent' OR (r.state = 'dead' AND d.expires_at IS NOT NULL) THEN ''::bytea
            ELSE d.payload END
        FROM jsonb_to_recordset(${toJson(rows)}::jsonb)
          AS r(id uuid, state text, reason text, due_at timestamptz, uncounted int)
        WHERE d.id = r.id AND d.lease_id = ${leaseId}::uuid`;
    },

    async list({ state, destination }, { take, skip }) {
      const where = { ...(state ? { state } : {}), ...(destination ? { destination } : {}) };
      const [rows, count] = await Promise.all([
        db.delivery.findMany({
          where,
          omit: { payload: true, leaseId: true, leasedUntil: true, dedupeKey: true, expiresAt: true },
          orderBy: [{ createdAt: "desc" }, { id: "desc" }],
          take,
          skip,
        }),
        db.delivery.count({ where }),
      ]);
      return { rows, count };
    },

    async revive(ids, now) {
      const { count } = await db.delivery.updateMany({
        where: {
          state: "dead",
          // Nothing is left to send of what has expired.
          expiresAt: null,
          ...(ids ? { id: { in: [...ids] } } : {}),
        },
        data: { state: "pending", attempts: 0, dueAt: now, updatedAt: now },
      });
      return count;
    },
  };
}

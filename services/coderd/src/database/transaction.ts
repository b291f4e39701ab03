import type { Prisma } from "./gen/client.js";
import { CONNECT_TIMEOUT_MS } from "./patient-pool.js";

/** A transaction's client; store functions accept it or a Database. */
export type Transaction = Prisma.TransactionClient;

const TIMEOUT_MS = 15_000;

/** How long a transaction may run, and how long it may wait for a connection. */
export const TRANSACTION = { timeout: TIMEOUT_MS, maxWait: CONNECT_TIMEOUT_MS };

import type { Prisma } from "./gen/client.js";
import { CONNECT_TIMEOUT_MS } from "./patient-pool.js";

/** What runs inside a transaction; a store function takes either. */
export type Transaction = Prisma.TransactionClient;

const TIMEOUT_MS = 15_000;

/** How long a transaction may last, and how long it may wait for a connection. */
export const TRANSACTION = { timeout: TIMEOUT_MS, maxWait: CONNECT_TIMEOUT_MS };

import type { Retention } from "../jobs/purge-store.js";

/** Keeps for ever what operators decide about. */
export const KEEPING: Retention = { auditLogs: 0, connectionLogs: 0, apiKeys: 0, agentLogs: 0 };

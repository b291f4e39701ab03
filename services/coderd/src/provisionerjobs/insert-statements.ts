import { Prisma } from "../database/gen/client.js";
import type { JobType } from "../database/gen/enums.js";
import { toJson } from "../database/json.js";
import type { Idempotency } from "./idempotency.js";
import type { Tags } from "./tags.js";

export type NewJob = {
  id: string;
  organizationId: string;
  initiatorId: string;
  type: JobType;
  provisioner: string;
  fileId: string;
  input: Record<string, unknown>;
  tags: Tags;
  queue: string;
  priority: number;
  traceContext: Record<string, string>;
  createdAt: Date;
  idempotency?: Idempotency | undefined;
};

/** Inserts these jobs in one statement. */
export function insertJobs(jobs: readonly NewJob[]): Prisma.Sql {
  const rows = jobs.map((job) => ({
    id: job.id,
    organization_id: job.organizationId,
    initiator_id: job.initiatorId,
    type: job.type,
    provisioner: job.provisioner,
    file_id: job.fileId,
    input: job.input,
    tags: job.tags,
    queue: job.queue,
    priority: job.priority,
    trace_context: job.traceContext,
    created_at: job.createdAt,
    idempotency_key: hexOf(job.idempotency?.key),
    request_hash: hexOf(job.idempotency?.request),
  }));
  return Prisma.sql`
    INSERT INTO provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
      priority, trace_context, created_at, updated_at, idempotency_key, request_hash)
    SELECT id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue, priority, trace_context,
      created_at, created_at, idempotency_key, request_hash
    FROM jsonb_to_recordset(${toJson(rows)}::jsonb) AS r(id uuid, organization_id uuid, initiator_id uuid, type job_type,
      provisioner text, file_id uuid, input jsonb, tags jsonb, queue text, priority int, trace_context jsonb,
      created_at timestamptz, idempotency_key bytea, request_hash bytea)`;
}

/** Bytes in Postgres' text format. */
function hexOf(bytes: Uint8Array | undefined): string | null {
  return bytes ? `\\x${Buffer.from(bytes).toString("hex")}` : null;
}

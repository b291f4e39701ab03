-- AlterTable
ALTER TABLE "provisioner_jobs" ADD COLUMN "idempotency_key" BYTEA,
ADD COLUMN "request_hash" BYTEA;

-- What Prisma's schema cannot say: jobs without a key are not in the index, so that they pay nothing for it.
CREATE UNIQUE INDEX "provisioner_jobs_idempotency_key" ON "provisioner_jobs" ("idempotency_key")
  WHERE "idempotency_key" IS NOT NULL;

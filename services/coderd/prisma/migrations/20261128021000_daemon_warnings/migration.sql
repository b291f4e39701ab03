-- AlterTable
ALTER TABLE "provisioner_daemons" ADD COLUMN "warnings" JSONB NOT NULL DEFAULT '[]';

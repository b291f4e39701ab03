-- AlterTable
ALTER TABLE "template_versions" ADD COLUMN     "dynamic_parameters" BOOLEAN NOT NULL DEFAULT false;

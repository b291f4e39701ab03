-- How an organization's groups and roles follow the claims of an identity provider.
CREATE TABLE "organization_idp_sync" (
    "organization_id" UUID NOT NULL,
    "groups" JSONB,
    "roles" JSONB,

    CONSTRAINT "organization_idp_sync_pkey" PRIMARY KEY ("organization_id")
);
ALTER TABLE "organization_idp_sync" ADD CONSTRAINT "organization_idp_sync_organization_id_fkey"
  FOREIGN KEY ("organization_id") REFERENCES "organizations"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Whether a build hands its template a session of the workspace's owner. Versions that were imported before keep theirs.
ALTER TABLE "template_versions" ADD COLUMN "owner_session" BOOLEAN NOT NULL DEFAULT true;

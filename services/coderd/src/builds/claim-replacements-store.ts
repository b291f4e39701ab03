import type { Database } from "../database/client.js";

/** What is told of a claim. */
export type ClaimFacts = {
  name: string;
  owner: string;
  build_number: string;
  template: string;
  version: string;
  preset: string;
  organization: string;
  organizationId: string;
  templateId: string;
};

export function createClaimFacts(db: Database): (jobId: string) => Promise<ClaimFacts | undefined> {
  return async (jobId) => {
    const rows = await db.$queryRaw<ClaimFacts[]>`
      SELECT w.name, u.username AS owner, b.build_number::text AS build_number, t.name AS template, v.name AS version,
        COALESCE(p.name, '') AS preset, o.name AS organization, o.id AS "organizationId", t.id AS "templateId"
      FROM workspace_builds b
      JOIN workspaces w ON w.id = b.workspace_id
      JOIN users u ON u.id = w.owner_id
      JOIN organizations o ON o.id = w.organization_id
      JOIN templates t ON t.id = w.template_id
      JOIN template_versions v ON v.id = b.template_version_id
      LEFT JOIN template_version_presets p ON p.id = b.preset_id
      WHERE b.job_id = ${jobId}::uuid`;
    return rows[0];
  };
}

import pg from "pg";

/** Copies of one workspace, every second of them stopped: rows as many as a large deployment has, which no agent runs. */
const WORKSPACES = `
  CREATE TEMP TABLE seed AS
    SELECT n, gen_random_uuid() AS job, gen_random_uuid() AS build, gen_random_uuid() AS workspace
    FROM generate_series(1, $COUNT) AS n;
  CREATE TEMP TABLE source AS
    SELECT w.id AS workspace, b.id AS build, b.job_id AS job FROM workspaces w
    JOIN workspace_builds b ON b.id = w.latest_build_id WHERE w.name = 'dev';
  INSERT INTO provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
      created_at, updated_at, started_at, completed_at)
    SELECT seed.job, organization_id, initiator_id, type, provisioner, file_id, input, tags, queue,
      created_at, updated_at, started_at, completed_at
    FROM seed, source JOIN provisioner_jobs j ON j.id = source.job;
  INSERT INTO workspaces (id, owner_id, organization_id, template_id, name, last_used_at)
    SELECT seed.workspace, owner_id, organization_id, template_id, 'seed-' || n, now() - n * interval '1 minute'
    FROM seed, source JOIN workspaces w ON w.id = source.workspace;
  INSERT INTO workspace_builds (id, workspace_id, build_number, transition, template_version_id, job_id, initiator_id)
    SELECT seed.build, seed.workspace, 1, CASE WHEN n % 2 = 0 THEN 'stop' ELSE 'start' END::build_transition,
      template_version_id, seed.job, initiator_id
    FROM seed, source JOIN workspace_builds b ON b.id = source.build;
  UPDATE workspaces w SET latest_build_id = seed.build FROM seed WHERE w.id = seed.workspace;
  INSERT INTO provisioner_job_logs (job_id, created_at, source, level, stage, output)
    SELECT source.job, now(), 'provisioner', 'info', 'Apply', 'Line ' || n || ' of a long log: resource created'
    FROM source, generate_series(1, $LINES) AS n;
  ANALYZE;`;

/** Adds this many workspaces beside the workspace `dev`, and as many lines to the log of its latest build. */
export async function seed(url: string, counts: { workspaces: number; lines: number }): Promise<void> {
  const database = new pg.Client({ connectionString: url });
  await database.connect();
  try {
    await database.query(
      WORKSPACES.replace("$COUNT", String(counts.workspaces)).replace("$LINES", String(counts.lines)),
    );
  } finally {
    await database.end();
  }
}

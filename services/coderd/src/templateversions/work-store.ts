import type { ArchiveName } from "../archives/service.js";
import { referToArchives } from "../archives/store.js";
import type { Database, Transaction } from "../database/client.js";
import { Prisma } from "../database/gen/client.js";
import type { Hot } from "../database/hot.js";
import { storable } from "../database/json.js";
import { isJudged } from "../policies/applies.js";

export type NameValue = { name: string; value: string };

/** The variable values set in an import's input. */
export function setValuesOf(input: unknown): NameValue[] {
  return (input as { user_variable_values?: NameValue[] } | null)?.user_variable_values ?? [];
}

/** The modules and providers that `init` installed for a version. */
export type Installation = {
  /** terraform or opentofu. */
  engine: string;
  modules: ArchiveName | null;
  providers: { address: string; version: string; platform: string; hash: string; archive: ArchiveName }[];
};

/** The version of a job and the user who requested it. */
export type VersionFacts = {
  jobId: string;
  versionId: string;
  versionName: string;
  templateId: string | null;
  templateName: string | null;
  graph: string;
  providerLock: Uint8Array | null;
  skipInit: boolean;
  installation: Installation | null;
  ownerId: string;
  ownerName: string;
  ownerFullName: string;
  ownerEmail: string;
  ownerLoginType: string;
  /** Policies judge it as the start of a workspace. */
  judged: boolean;
  variables: { name: string; value: string; sensitive: boolean }[] | null;
};

export type DeclaredVariable = {
  name: string;
  description: string;
  type: string;
  defaultValue: string;
  required: boolean;
  sensitive: boolean;
};

export type ImportedVersion = {
  parameters: (Omit<Prisma.TemplateVersionParameterGetPayload<object>, "templateVersionId" | "options"> & {
    options: { name: string; description: string; value: string; icon: string }[];
  })[];
  presets: {
    name: string;
    description: string;
    icon: string;
    isDefault: boolean;
    parameters: Record<string, string>;
    prebuildInstances: number;
    prebuildTtlSeconds: number;
    prebuildTimezone: string;
    prebuildSchedules: { cron: string; instances: number }[];
  }[];
  externalAuthProviders: { id: string; optional: boolean }[];
  variables: DeclaredVariable[];
  workspaceTags: Record<string, string>;
  readme: string;
  graph: string;
  providerLock: Uint8Array;
  skipInit: boolean;
  /** What init installed, as archives that the daemon has uploaded; null if builds have to run init. */
  installation: Installation | null;
  /** Whether builds receive a session token of the workspace owner. */
  ownerSession: boolean;
  /** Whether parameters, presets or tags are evaluated for each build. */
  dynamicParameters: boolean;
  /** Whether a started workspace has an agent that users start on a machine of their own. */
  hasExternalAgent: boolean;
};

/** Storage for importing a version. */
export type VersionWorkStore = {
  /** One statement for any number of imports and dry runs. */
  facts(jobIds: readonly string[]): Promise<VersionFacts[]>;
  /** The version that the job imports, if this daemon is running it. */
  importing(jobId: string, daemonId: string): Promise<{ versionId: string; values: NameValue[] } | undefined>;
  /** Stores what is known before the plan, so that users can see which variables are missing. */
  declare(
    versionId: string,
    variables: readonly (DeclaredVariable & { value: string })[],
    readme: string,
  ): Promise<void>;
};

const JUDGED = {
  organization: Prisma.sql`v.organization_id`,
  template: Prisma.sql`v.template_id`,
  transition: Prisma.sql`'start'::build_transition`,
};

export function createVersionWorkStore(db: Database, hot: Hot): VersionWorkStore {
  return {
    facts(jobIds) {
      return hot<VersionFacts>(
        "facts of versions",
        Prisma.sql`
        SELECT j.id AS "jobId", v.id AS "versionId", v.name AS "versionName", t.id AS "templateId",
          t.name AS "templateName", v.graph, v.provider_lock AS "providerLock", v.skip_init AS "skipInit", v.installation,
          u.id AS "ownerId", u.username AS "ownerName", u.name AS "ownerFullName", u.email AS "ownerEmail",
          u.login_type::text AS "ownerLoginType", ${isJudged(JUDGED)} AS judged,
          (SELECT jsonb_agg(jsonb_build_object('name', x.name, 'value', x.value, 'sensitive', x.sensitive))
            FROM template_version_variables x WHERE x.template_version_id = v.id) AS variables
        FROM provisioner_jobs j
        JOIN template_versions v ON v.id = (j.input->>'template_version_id')::uuid
        JOIN users u ON u.id = j.initiator_id
        LEFT JOIN templates t ON t.id = v.template_id
        WHERE j.id = ANY(${jobIds}::uuid[])`,
      );
    },

    async importing(jobId, daemonId) {
      const job = await db.provisionerJob.findFirst({
        where: { id: jobId, workerId: daemonId, completedAt: null, type: "template_version_import" },
        select: { input: true, templateVersion: { select: { id: true } } },
      });
      if (!job?.templateVersion) return undefined;
      return { versionId: job.templateVersion.id, values: setValuesOf(job.input) };
    },

    async declare(versionId, variables, readme) {
      await db.$transaction([
        ...replaceVariables(db, versionId, variables),
        db.templateVersion.update({
          where: { id: versionId },
          data: { readme: storable(readme) },
          select: { id: true },
        }),
      ]);
    },
  };
}

function replaceVariables(
  db: Pick<Transaction, "templateVersionVariable">,
  templateVersionId: string,
  variables: readonly (DeclaredVariable & { value: string })[],
) {
  return [
    db.templateVersionVariable.deleteMany({ where: { templateVersionId } }),
    db.templateVersionVariable.createMany({
      data: variables.map((variable) => ({ ...clean(variable), templateVersionId })),
    }),
  ];
}

/** Stores an import's results. A second attempt replaces those of the first. */
export async function storeImport(
  tx: Transaction,
  jobId: string,
  imported: ImportedVersion,
  values: (
    variables: readonly DeclaredVariable[],
    input: unknown,
  ) => (DeclaredVariable & { value: string })[],
): Promise<void> {
  const row = await tx.templateVersion.findUnique({
    where: { jobId },
    select: { id: true, job: { select: { input: true } } },
  });
  if (!row) return;
  const templateVersionId = row.id;
  const version = clean(imported);
  await Promise.all(replaceVariables(tx, templateVersionId, values(version.variables, row.job.input)));
  await tx.templateVersionParameter.deleteMany({ where: { templateVersionId } });
  await tx.templateVersionParameter.createMany({
    data: version.parameters.map((parameter) => ({ ...parameter, templateVersionId })),
  });
  await tx.templateVersionPreset.deleteMany({ where: { templateVersionId } });
  await tx.templateVersionPreset.createMany({
    data: version.presets.map((preset) => ({ ...preset, templateVersionId })),
  });
  await tx.templateVersionWorkspaceTag.deleteMany({ where: { templateVersionId } });
  await tx.templateVersionWorkspaceTag.createMany({
    data: Object.entries(version.workspaceTags).map(([key, value]) => ({ templateVersionId, key, value })),
  });
  await tx.templateVersion.update({
    where: { id: templateVersionId },
    data: {
      readme: version.readme,
      externalAuthProviders: version.externalAuthProviders as Prisma.InputJsonValue,
      graph: version.graph,
      providerLock: version.providerLock.length > 0 ? new Uint8Array(version.providerLock) : null,
      skipInit: version.skipInit,
      installation: (await mayKeep(tx, templateVersionId, version.installation))
        ? (version.installation as Prisma.InputJsonValue)
        : Prisma.DbNull,
      ownerSession: version.ownerSession,
      dynamicParameters: version.dynamicParameters,
      hasExternalAgent: version.hasExternalAgent,
    },
    select: { id: true },
  });
}

/** False for an installation whose archives the organization does not have. */
async function mayKeep(
  tx: Transaction,
  versionId: string,
  installation: Installation | null,
): Promise<boolean> {
  const archives = installation ? installation.providers.map(({ archive }) => archive.sha256) : [];
  if (installation?.modules) archives.push(installation.modules.sha256);
  return (await referToArchives(tx, versionId, archives)) && installation !== null;
}

/** Makes every string in it storable in Postgres. */
function clean<T>(value: T): T {
  if (typeof value === "string") return storable(value) as T;
  if (Array.isArray(value)) return value.map(clean) as T;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, clean(part)])) as T;
}

import type { ParameterDefinition, ParameterType } from "@fleet/parameters";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { Prisma, Template } from "../database/gen/client.js";
import { sameText } from "../database/text.js";
import { IN_ROLLOUT } from "../rollouts/predicates.js";
import { VersionNameTaken } from "./errors.js";
import { type NameValue, setValuesOf } from "./work-store.js";

const versionInclude = {
  creator: { select: { id: true, username: true, name: true, avatarUrl: true } },
  template: {
    select: {
      id: true,
      name: true,
      organizationId: true,
      userAcl: true,
      groupAcl: true,
      deleted: true,
      activeVersionId: true,
    },
  },
  job: {
    select: {
      startedAt: true,
      completedAt: true,
      canceledAt: true,
      error: true,
      fileId: true,
      tags: true,
      provisioner: true,
    },
  },
} satisfies Prisma.TemplateVersionInclude;

/** A version with its creator, template and import job. */
export type VersionRow = Prisma.TemplateVersionGetPayload<{
  include: typeof versionInclude;
  omit: { graph: true; providerLock: true; installation: true };
}>;
export type ParameterRow = Prisma.TemplateVersionParameterGetPayload<object>;
export type VariableRow = Prisma.TemplateVersionVariableGetPayload<object>;
export type PresetRow = Prisma.TemplateVersionPresetGetPayload<object>;

export type NewVersion = {
  id: string;
  templateId: string | null;
  organizationId: string;
  name: string;
  message: string;
  jobId: string;
  createdBy: string;
  createdAt: Date;
};

export type VersionPage = {
  includeArchived: boolean;
  limit: number;
  offset: number;
  afterId?: string | undefined;
};

/** The template fields that authorization of its versions depends on. */
export type VersionTemplate = Pick<
  Template,
  "id" | "organizationId" | "userAcl" | "groupAcl" | "allowUserCancelWorkspaceJobs"
>;

/** Storage of template versions and the records that belong to them. */
export type VersionStore = {
  /** Runs the work in a transaction, rolled back if it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** Returns null if it does not exist. */
  find(id: string): Promise<VersionRow | null>;
  /** Case-insensitive. */
  findByName(templateId: string, name: string): Promise<VersionRow | null>;
  /** The version that the job imports. */
  findByJob(jobId: string): Promise<VersionRow | null>;
  /** The template's version created before this one. */
  previous(templateId: string, createdAt: Date): Promise<VersionRow | null>;
  /** Values set for the variables of the template's active version, including sensitive ones. */
  activeValues(templateId: string): Promise<NameValue[]>;
  /** One page of the template's versions, oldest first. A limit of 0 means no limit. */
  list(templateId: string, page: VersionPage): Promise<VersionRow[]>;
  /** @throws VersionNameTaken if the template already has a version with this name. */
  insert(tx: Transaction, version: NewVersion): Promise<void>;
  /** @throws VersionNameTaken if the template already has a version with this name. */
  update(id: string, data: { name?: string; message?: string }): Promise<void>;
  /**
   * Users cannot select an archived version for a build. Returns false, and archives nothing, while the version takes
   * part in a rollout.
   */
  setArchived(id: string, archived: boolean): Promise<boolean>;
  /** Archives versions that no workspace's latest build uses: only failed ones, or all. Returns their ids. */
  archiveUnused(templateId: string, all: boolean, now: Date): Promise<string[]>;
  /** Sorted by order, then by name, case-insensitively. */
  parameters(
    templateVersionId: string,
    tx?: Pick<Transaction, "templateVersionParameter">,
  ): Promise<ParameterRow[]>;
  /** The version's Terraform variables, by name. */
  variables(templateVersionId: string): Promise<VariableRow[]>;
  /** The version's presets, by name. */
  presets(templateVersionId: string): Promise<PresetRow[]>;
  /** Returns null if it does not exist. */
  preset(id: string, tx?: Pick<Transaction, "templateVersionPreset">): Promise<PresetRow | null>;
  /** The provisioner tags of the version's workspaces, before parameter values are substituted. */
  workspaceTags(templateVersionId: string): Promise<Record<string, string>>;
  /** Whether its parameters, presets and tags are evaluated for each start. */
  isDynamic(templateVersionId: string): Promise<boolean>;
  /** The fields that authorization of the template's versions depends on; null if it is deleted. */
  template(id: string): Promise<VersionTemplate | null>;
};

const omit = { graph: true, providerLock: true, installation: true } as const;

export function createVersionStore(db: Database): VersionStore {
  const find = (
    where: Prisma.TemplateVersionWhereInput,
    orderBy?: Prisma.TemplateVersionOrderByWithRelationInput,
  ) =>
    db.templateVersion.findFirst({ where, include: versionInclude, omit, ...(orderBy ? { orderBy } : {}) });

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),
    find: (id) => find({ id }),
    findByName: (templateId, name) => find({ templateId, name: sameText(name) }),
    findByJob: (jobId) => find({ jobId }),

    previous: (templateId, createdAt) =>
      find({ templateId, createdAt: { lt: createdAt } }, { createdAt: "desc" }),

    async activeValues(templateId) {
      const template = await db.template.findUnique({
        where: { id: templateId },
        select: { activeVersionId: true },
      });
      const version =
        template &&
        (await db.templateVersion.findUnique({
          where: { id: template.activeVersionId },
          select: { job: { select: { input: true } } },
        }));
      return setValuesOf(version?.job.input);
    },

    async list(templateId, page) {
      return db.templateVersion.findMany({
        where: { templateId, ...(page.includeArchived ? {} : { archived: false }) },
        include: versionInclude,
        omit,
        orderBy: [{ createdAt: "asc" }, { id: "asc" }],
        ...(page.afterId ? { cursor: { id: page.afterId }, skip: 1 + page.offset } : { skip: page.offset }),
        ...(page.limit > 0 ? { take: page.limit } : {}),
      });
    },

    async insert(tx, version) {
      try {
        await tx.templateVersion.create({ data: version, select: { id: true } });
      } catch (error) {
        if (isUniqueViolation(error, "name")) throw new VersionNameTaken(version.name);
        throw error;
      }
    },

    async update(id, data) {
      try {
        await db.templateVersion.update({ where: { id }, data, select: { id: true } });
      } catch (error) {
        if (isUniqueViolation(error, "name")) throw new VersionNameTaken(data.name ?? "");
        throw error;
      }
    },

    setArchived: (id, archived) =>
      inTransaction(db, async (tx) => {
        // A rollout begins under the same lock.
        await tx.$queryRaw`SELECT 1 FROM templates t JOIN template_versions v ON v.template_id = t.id
          WHERE v.id = ${id}::uuid FOR NO KEY UPDATE OF t`;
        const changed = await tx.$executeRaw`
          UPDATE template_versions v SET archived = ${archived}, updated_at = now()
          WHERE v.id = ${id}::uuid AND NOT (${archived} AND ${IN_ROLLOUT})`;
        return changed > 0;
      }),

    async archiveUnused(templateId, all, now) {
      const rows = await inTransaction(db, async (tx) => {
        await tx.$queryRaw`SELECT 1 FROM templates WHERE id = ${templateId}::uuid FOR NO KEY UPDATE`;
        return tx.$queryRaw<{ id: string }[]>`
        UPDATE template_versions v SET archived = true, updated_at = ${now}
        FROM provisioner_jobs j, templates t
        WHERE v.template_id = ${templateId}::uuid AND NOT v.archived AND j.id = v.job_id AND t.id = v.template_id
          AND v.id <> t.active_version_id AND NOT ${IN_ROLLOUT} AND j.completed_at IS NOT NULL AND (${all} OR j.error <> '')
          AND NOT EXISTS (SELECT 1 FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
            WHERE b.template_version_id = v.id AND NOT w.deleted)
        RETURNING v.id`;
      });
      return rows.map(({ id }) => id);
    },

    async parameters(templateVersionId, tx = db) {
      const rows = await tx.templateVersionParameter.findMany({ where: { templateVersionId } });
      return rows.sort(
        (a, b) => a.displayOrder - b.displayOrder || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1),
      );
    },
    variables: (templateVersionId) =>
      db.templateVersionVariable.findMany({ where: { templateVersionId }, orderBy: { name: "asc" } }),
    presets: (templateVersionId) =>
      db.templateVersionPreset.findMany({ where: { templateVersionId }, orderBy: { name: "asc" } }),
    preset: (id, tx = db) => tx.templateVersionPreset.findUnique({ where: { id } }),
    async isDynamic(id) {
      const version = await db.templateVersion.findUnique({
        where: { id },
        select: { dynamicParameters: true, template: { select: { useClassicParameterFlow: true } } },
      });
      return version?.dynamicParameters === true && version.template?.useClassicParameterFlow !== true;
    },
    workspaceTags: async (templateVersionId) => {
      const rows = await db.templateVersionWorkspaceTag.findMany({ where: { templateVersionId } });
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
    },
    template: (id) =>
      db.template.findFirst({
        where: { id, deleted: false },
        select: {
          id: true,
          organizationId: true,
          userAcl: true,
          groupAcl: true,
          allowUserCancelWorkspaceJobs: true,
        },
      }),
  };
}

/** Converts the parameter for the build rules. */
export function definitionOf(row: Omit<ParameterRow, "templateVersionId">): ParameterDefinition {
  return {
    name: row.name,
    type: row.type as ParameterType,
    formType: row.formType,
    mutable: row.mutable,
    ephemeral: row.ephemeral,
    required: row.required,
    defaultValue: row.defaultValue,
    options: row.options as { name: string; value: string }[],
    validation: {
      min: row.validationMin,
      max: row.validationMax,
      monotonic: row.validationMonotonic,
      regex: row.validationRegex,
      error: row.validationError,
    },
  };
}

import type { ParameterDefinition, ParameterType } from "@fleet/parameters";
import { type Database, inTransaction, isUniqueViolation, type Transaction } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";
import { sameText } from "../database/text.js";
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

/** A version with who made it, its template and its import. */
export type VersionRow = Prisma.TemplateVersionGetPayload<{
  include: typeof versionInclude;
  omit: { graph: true; providerLock: true };
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

export type VersionStore = ReturnType<typeof createVersionStore>;

const omit = { graph: true, providerLock: true } as const;

export function createVersionStore(db: Database) {
  const find = (
    where: Prisma.TemplateVersionWhereInput,
    orderBy?: Prisma.TemplateVersionOrderByWithRelationInput,
  ) =>
    db.templateVersion.findFirst({ where, include: versionInclude, omit, ...(orderBy ? { orderBy } : {}) });

  return {
    transaction: <T>(work: (tx: Transaction) => Promise<T>) => inTransaction(db, work),
    find: (id: string) => find({ id }),
    findByName: (templateId: string, name: string) => find({ templateId, name: sameText(name) }),
    findByJob: (jobId: string) => find({ jobId }),

    /** The version of the template that was made before this one. */
    previous: (templateId: string, createdAt: Date) =>
      find({ templateId, createdAt: { lt: createdAt } }, { createdAt: "desc" }),

    /** The values that were set for the variables of the template's active version, sensitive ones included. */
    async activeValues(templateId: string): Promise<NameValue[]> {
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

    async list(templateId: string, page: VersionPage): Promise<VersionRow[]> {
      return db.templateVersion.findMany({
        where: { templateId, ...(page.includeArchived ? {} : { archived: false }) },
        include: versionInclude,
        omit,
        orderBy: [{ createdAt: "asc" }, { id: "asc" }],
        ...(page.afterId ? { cursor: { id: page.afterId }, skip: 1 + page.offset } : { skip: page.offset }),
        ...(page.limit > 0 ? { take: page.limit } : {}),
      });
    },

    async insert(tx: Transaction, version: NewVersion): Promise<void> {
      try {
        await tx.templateVersion.create({ data: version, select: { id: true } });
      } catch (error) {
        if (isUniqueViolation(error, "name")) throw new VersionNameTaken(version.name);
        throw error;
      }
    },

    async update(id: string, data: { name?: string; message?: string }): Promise<void> {
      try {
        await db.templateVersion.update({ where: { id }, data, select: { id: true } });
      } catch (error) {
        if (isUniqueViolation(error, "name")) throw new VersionNameTaken(data.name ?? "");
        throw error;
      }
    },

    setArchived: (id: string, archived: boolean) =>
      db.templateVersion.update({ where: { id }, data: { archived }, select: { id: true } }),

    /** Archives versions that no workspace's latest build uses: the failed ones, or all. Gives their ids. */
    async archiveUnused(templateId: string, all: boolean, now: Date): Promise<string[]> {
      const rows = await db.$queryRaw<{ id: string }[]>`
        UPDATE template_versions v SET archived = true, updated_at = ${now}
        FROM provisioner_jobs j, templates t
        WHERE v.template_id = ${templateId}::uuid AND NOT v.archived AND j.id = v.job_id AND t.id = v.template_id
          AND v.id <> t.active_version_id AND j.completed_at IS NOT NULL AND (${all} OR j.error <> '')
          AND NOT EXISTS (SELECT 1 FROM workspaces w JOIN workspace_builds b ON b.id = w.latest_build_id
            WHERE b.template_version_id = v.id AND NOT w.deleted)
        RETURNING v.id`;
      return rows.map(({ id }) => id);
    },

    /** By order and then by name, in which upper and lower case count alike. */
    async parameters(
      templateVersionId: string,
      tx: Pick<Transaction, "templateVersionParameter"> = db,
    ): Promise<ParameterRow[]> {
      const rows = await tx.templateVersionParameter.findMany({ where: { templateVersionId } });
      return rows.sort(
        (a, b) => a.displayOrder - b.displayOrder || (a.name.toLowerCase() < b.name.toLowerCase() ? -1 : 1),
      );
    },
    variables: (templateVersionId: string) =>
      db.templateVersionVariable.findMany({ where: { templateVersionId }, orderBy: { name: "asc" } }),
    presets: (templateVersionId: string) =>
      db.templateVersionPreset.findMany({ where: { templateVersionId }, orderBy: { name: "asc" } }),
    preset: (id: string, tx: Pick<Transaction, "templateVersionPreset"> = db) =>
      tx.templateVersionPreset.findUnique({ where: { id } }),
    workspaceTags: async (templateVersionId: string): Promise<Record<string, string>> => {
      const rows = await db.templateVersionWorkspaceTag.findMany({ where: { templateVersionId } });
      return Object.fromEntries(rows.map(({ key, value }) => [key, value]));
    },
    template: (id: string) =>
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

/** The parameter as the rules of builds see it. */
export function definitionOf(row: ParameterRow): ParameterDefinition {
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

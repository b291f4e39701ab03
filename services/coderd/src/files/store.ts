import type { TemplateAccess } from "../auth/template-access.js";
import type { Database } from "../database/client.js";

export type FileRow = { id: string; hash: string; mimetype: string; createdBy: string };

/** Stores the archives that templates are created from. */
export type FileStore = {
  /** Stores the bytes, once per user. */
  insert(file: {
    hash: string;
    mimetype: string;
    data: Uint8Array;
    createdBy: string;
  }): Promise<{ id: string; created: boolean }>;
  /** The file's metadata; null if it does not exist. */
  find(id: string): Promise<FileRow | null>;
  /** Undefined if the file does not exist. */
  bytes(id: string): Promise<Uint8Array | undefined>;
  /** The organizations with templates or jobs that use the file. */
  organizations(id: string): Promise<string[]>;
  /** The templates with versions that use the file, with their access lists. */
  templates(id: string): Promise<TemplateAccess[]>;
};

const columns = { id: true, hash: true, mimetype: true, createdBy: true } as const;

export function createFileStore(db: Database): FileStore {
  return {
    async insert(file) {
      const { count } = await db.file.createMany({
        data: [{ ...file, data: new Uint8Array(file.data) }],
        skipDuplicates: true,
      });
      const { id } = await db.file.findUniqueOrThrow({
        where: { hash_createdBy: { hash: file.hash, createdBy: file.createdBy } },
        select: { id: true },
      });
      return { id, created: count > 0 };
    },

    find: (id) => db.file.findUnique({ where: { id }, select: columns }),

    async bytes(id) {
      return (await db.file.findUnique({ where: { id }, select: { data: true } }))?.data;
    },

    async organizations(id) {
      const rows = await db.provisionerJob.findMany({
        where: { fileId: id },
        distinct: ["organizationId"],
        select: { organizationId: true },
        take: 100,
      });
      return rows.map((row) => row.organizationId);
    },

    async templates(id) {
      return db.template.findMany({
        where: { deleted: false, versions: { some: { job: { fileId: id } } } },
        select: { id: true, organizationId: true, userAcl: true, groupAcl: true },
        take: 100,
      });
    },
  };
}

import { createHash } from "node:crypto";
import { FleetError } from "@fleet/base";
import { packZip, readArchive, TAR_MIMETYPE, ZIP_MIMETYPES } from "@fleet/provisionersdk";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { accessOf } from "../auth/template-access.js";
import type { FileRow, FileStore } from "./store.js";

/** Files that users upload, to make templates of. */
export type Files = {
  /** Stores an archive that can be read. The same bytes of the same user are one file. */
  upload(actor: Actor, mimetype: string, data: Uint8Array): Promise<{ id: string; created: boolean }>;
  /** Stores bytes that this program made. */
  insert(createdBy: string, mimetype: string, data: Uint8Array): Promise<{ id: string; created: boolean }>;
  /** The bytes as they were uploaded, or as a zip. */
  download(
    actor: Actor,
    id: string,
    format: "zip" | undefined,
  ): Promise<{ mimetype: string; data: Uint8Array }>;
  /** The file, for a template version that the actor makes of it. */
  requireForVersion(actor: Actor, id: string): Promise<FileRow>;
};

/** The largest archive. */
const FILE_LIMIT_BYTES = 10 * 1024 * 1024;

export class FileNotFound extends FleetError {
  constructor(field?: string) {
    const detail = "File not found, or you do not have access to it. Upload it again.";
    super("not_found", detail, field ? { validations: [{ field, detail }] } : {});
  }
}

export function createFiles({ store }: { store: FileStore }): Files {
  /** Whoever uploaded it, and whoever may change a template that is made of it, or the templates of its organization. */
  async function requireReadable(actor: Actor, id: string): Promise<FileRow> {
    const file = await store.find(id);
    if (!file) throw new FileNotFound();
    if (authorizer.can(actor, "read", { type: "file", id, ownerId: file.createdBy })) return file;
    for (const orgId of await store.organizations(id)) {
      if (authorizer.can(actor, "update", { type: "template", orgId })) return file;
    }
    for (const template of await store.templates(id)) {
      if (authorizer.can(actor, "update", accessOf(template))) return file;
    }
    throw new FileNotFound();
  }

  return {
    async upload(actor, mimetype, data) {
      const { userId } = requireUser(actor);
      authorizer.require(actor, "create", { type: "file", ownerId: userId }, forbidden());
      if (mimetype !== TAR_MIMETYPE && !ZIP_MIMETYPES.includes(mimetype)) {
        throw new FleetError(
          "invalid_argument",
          `Upload a tar (${TAR_MIMETYPE}) or a zip (${ZIP_MIMETYPES[0]}).`,
        );
      }
      if (data.length > FILE_LIMIT_BYTES) {
        throw new FleetError(
          "too_large",
          `The archive is larger than ${FILE_LIMIT_BYTES / 1024 / 1024} MiB. Remove files that the template does not need.`,
        );
      }
      await readArchive(data, mimetype);
      return this.insert(userId, mimetype, data);
    },

    async insert(createdBy, mimetype, data) {
      return store.insert({
        hash: createHash("sha256").update(data).digest("hex"),
        mimetype,
        data,
        createdBy,
      });
    },

    async download(actor, id, format) {
      const file = await requireReadable(actor, id);
      const data = await store.bytes(id);
      if (!data) throw new FileNotFound();
      if (format !== "zip" || file.mimetype !== TAR_MIMETYPE) return { mimetype: file.mimetype, data };
      return { mimetype: ZIP_MIMETYPES[0]!, data: packZip(await readArchive(data, file.mimetype)) };
    },

    async requireForVersion(actor, id) {
      try {
        return await requireReadable(actor, id);
      } catch (error) {
        if (error instanceof FileNotFound) throw new FileNotFound("file_id");
        throw error;
      }
    },
  };
}

function forbidden(): FleetError {
  return new FleetError("permission_denied", "You do not have permission to upload files.");
}

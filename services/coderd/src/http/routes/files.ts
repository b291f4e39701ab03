import type { Files } from "../../files/service.js";
import type { Handlers } from "../handler.js";
import { Reply } from "../reply.js";

export function createFileHandlers({ files }: { files: Files }) {
  return {
    fileUpload: async ({ actor, raw, contentType }) => {
      const { id, created } = await files.upload(actor, contentType, raw);
      return new Reply({ hash: id }, { status: created ? 201 : 200 });
    },
    fileDownload: async ({ actor, params, query }) => {
      const { mimetype, data } = await files.download(actor, params.file, query.format);
      return new Reply(data, { headers: { "content-type": mimetype } });
    },
  } satisfies Partial<Handlers>;
}

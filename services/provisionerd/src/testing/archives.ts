import { createHash } from "node:crypto";
import { FleetError } from "@fleet/base";
import type { Handlers } from "@fleet/proto-gen";
import type { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";

type Service = Handlers<(typeof ProvisionerDaemonService)["method"]>;

/** coderd's store of archives, in memory. */
export type TestArchives = {
  readonly stored: Map<string, Buffer>;
  /** `refusal` is the answer to each offer, unless empty. */
  readonly answers: { refusal: string };
  /** Hashes in the order of their uploads and downloads. */
  readonly uploads: string[];
  readonly downloads: string[];
  readonly handlers: Pick<Service, "offerArchives" | "uploadArchive" | "downloadArchive">;
};

export function createTestArchives(): TestArchives {
  const stored = new Map<string, Buffer>();
  const answers = { refusal: "" };
  const uploads: string[] = [];
  const downloads: string[] = [];
  const handlers: TestArchives["handlers"] = {
    async offerArchives({ archives }) {
      if (answers.refusal) return { missingSha256: [], refusal: answers.refusal };
      const missing = archives.filter(({ sha256 }) => !stored.has(sha256));
      return { missingSha256: missing.map(({ sha256 }) => sha256), refusal: "" };
    },
    async uploadArchive(stream) {
      const chunks: Uint8Array[] = [];
      for await (const { message } of stream) if (message.case === "chunk") chunks.push(message.value);
      const bytes = Buffer.concat(chunks);
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      stored.set(sha256, bytes);
      uploads.push(sha256);
      await stream.send({});
    },
    async downloadArchive({ sha256 }, stream) {
      downloads.push(sha256);
      const bytes = stored.get(sha256);
      if (!bytes) throw new FleetError("not_found", "The server does not have this archive.");
      for (let at = 0; at < bytes.length; at += 65_536)
        await stream.send({ chunk: bytes.subarray(at, at + 65_536) });
    },
  };
  return { stored, answers, uploads, downloads, handlers };
}

import { createHash } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import { JobLost } from "../provisionerjobs/errors.js";
import type { ArchiveStore } from "./store.js";

export type ArchiveName = { sha256: string; size: number };

/** The modules and providers that imports installed, stored by the hash of their bytes. */
export type Archives = {
  /**
   * Which of the archives the running import has to upload, or why none is stored.
   * @throws JobLost unless the daemon runs the import.
   */
  offer(request: {
    jobId: string;
    daemonId: string;
    archives: readonly ArchiveName[];
  }): Promise<{ missing: string[]; refusal: string }>;
  /**
   * Stores an archive for the import's organization, chunk by chunk. Nothing of it is kept if it has another size or
   * hash than announced, or if the upload breaks off.
   * @throws JobLost, invalid_argument, too_large
   */
  receive(
    request: { jobId: string; daemonId: string; archive: ArchiveName },
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<void>;
  /** The bytes in chunks. @throws not_found if the daemon's organization did not upload it. */
  read(sha256: string, organizationIds: readonly string[] | undefined): AsyncGenerator<Uint8Array>;
};

export type ArchiveLimits = {
  /** False to store none. */
  enabled: boolean;
  /** Bytes of one archive, and of all. */
  archiveBytes: number;
  totalBytes: number;
};

/** Largest chunk of an upload, and so of a row. */
export const ARCHIVE_CHUNK_BYTES = 256 * 1024;

const MIB = 1024 * 1024;

export function createArchives(options: {
  store: ArchiveStore;
  limits: ArchiveLimits;
  clock: Clock;
}): Archives {
  const { store, limits, clock } = options;

  async function requireOrganization(jobId: string, daemonId: string): Promise<string> {
    const organizationId = await store.organizationOf(jobId, daemonId);
    if (organizationId === undefined) throw new JobLost(jobId);
    return organizationId;
  }

  function refusalOf(archives: readonly ArchiveName[], storedBytes: number): string {
    if (!limits.enabled) return "CODER_TEMPLATE_CACHE is off on the server.";
    const largest = Math.max(0, ...archives.map(({ size }) => size));
    if (largest > limits.archiveBytes) {
      return `One is ${Math.ceil(largest / MIB)} MiB, above the server's limit of ${limits.archiveBytes / MIB} MiB (CODER_TEMPLATE_CACHE_ARCHIVE_MIB).`;
    }
    const added = archives.reduce((sum, { size }) => sum + size, 0);
    if (storedBytes + added > limits.totalBytes) {
      return `The server's store is full: ${limits.totalBytes / MIB} MiB (CODER_TEMPLATE_CACHE_TOTAL_MIB).`;
    }
    return "";
  }

  return {
    async offer({ jobId, daemonId, archives }) {
      const organizationId = await requireOrganization(jobId, daemonId);
      for (const archive of archives) requireName(archive);
      const hashes = archives.map(({ sha256 }) => sha256);
      const held = new Set(await store.heldBy(organizationId, hashes, clock.now()));
      const lacking = archives.filter(({ sha256 }) => !held.has(sha256));
      const refusal =
        limits.enabled && lacking.length === 0 ? "" : refusalOf(lacking, await store.totalBytes());
      return { missing: refusal === "" ? lacking.map(({ sha256 }) => sha256) : [], refusal };
    },

    async receive({ jobId, daemonId, archive }, chunks) {
      const organizationId = await requireOrganization(jobId, daemonId);
      requireName(archive);
      const refusal = refusalOf([archive], await store.totalBytes());
      if (refusal) throw new FleetError("too_large", `The archive is not stored. ${refusal}`);
      const hash = createHash("sha256");
      const id = await store.begin(archive.size, clock.now());
      try {
        let size = 0;
        let position = 0;
        for await (const chunk of chunks) {
          size += chunk.length;
          if (chunk.length > ARCHIVE_CHUNK_BYTES || size > archive.size) throw different();
          hash.update(chunk);
          await store.append(id, position++, chunk);
        }
        if (size !== archive.size || hash.digest("hex") !== archive.sha256) throw different();
        // A daemon that has lost the job meanwhile leaves nothing.
        await requireOrganization(jobId, daemonId);
      } catch (error) {
        await store.discard(id);
        throw error;
      }
      await store.finish(id, archive.sha256, organizationId, clock.now());
    },

    async *read(sha256, organizationIds) {
      const id = await store.find(sha256, organizationIds);
      if (id === undefined) throw new FleetError("not_found", "The server does not have this archive.");
      for (let position = 0; ; position++) {
        const chunk = await store.chunk(id, position);
        if (!chunk) return;
        yield chunk;
      }
    },
  };
}

function requireName({ sha256, size }: ArchiveName): void {
  if (/^[0-9a-f]{64}$/.test(sha256) && Number.isSafeInteger(size) && size > 0) return;
  throw new FleetError("invalid_argument", "An archive needs its SHA-256 in lowercase hex, and its size.");
}

function different(): FleetError {
  return new FleetError(
    "invalid_argument",
    "The archive does not have the size and hash that were announced. Run the import again.",
  );
}

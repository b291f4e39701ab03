import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { type Clock, FleetError } from "@fleet/base";
import type { ArchiveRef, ArchiveTransfer } from "@fleet/provisionersdk";
import type { CoderdClient } from "./coderd-client.js";
import { untilAnswered } from "./patience.js";

/** How long one archive may take, retries included. */
const TRANSFER_MS = 10 * 60_000;
/** Bytes per message of an upload. */
const CHUNK_BYTES = 256 * 1024;

export type ArchiveTransferOptions = {
  client: Pick<CoderdClient, "offerArchives" | "uploadArchive" | "downloadArchive">;
  jobId: string;
  daemonId: string;
  signal: AbortSignal;
  clock: Clock;
};

/** One job's access to coderd's archives. Retries while coderd is unreachable. */
export function createArchiveTransfer(options: ArchiveTransferOptions): ArchiveTransfer {
  const { client, jobId, daemonId, clock } = options;
  const retried = <T>(call: (signal: AbortSignal) => Promise<T>) =>
    untilAnswered(call, { clock, signal: options.signal, limitMs: TRANSFER_MS });

  async function upload(archive: ArchiveRef, file: string, signal: AbortSignal): Promise<void> {
    const stream = client.uploadArchive({ signal });
    const send = async () => {
      const header = { jobId, daemonId, archive: toMessage(archive) };
      await stream.send({ message: { case: "header", value: header } });
      for await (const chunk of createReadStream(file, { highWaterMark: CHUNK_BYTES })) {
        await stream.send({ message: { case: "chunk", value: chunk as Buffer } });
      }
      stream.end();
    };
    // If coderd refuses, its reason is what the answer throws, not that the stream has ended.
    const sent = send().catch((error) => {
      stream.cancel();
      throw error;
    });
    sent.catch(() => {});
    for await (const _ of stream) return;
    await sent;
  }

  async function download({ sha256, size }: ArchiveRef, file: string, signal: AbortSignal): Promise<void> {
    const hash = createHash("sha256");
    let received = 0;
    async function* chunks() {
      for await (const { chunk } of client.downloadArchive({ sha256 }, { signal })) {
        received += chunk.length;
        if (received > size) break;
        hash.update(chunk);
        yield chunk;
      }
      if (received === size && hash.digest("hex") === sha256) return;
      throw new FleetError(
        "failed_precondition",
        "An archive from the server does not have its size and hash.",
      );
    }
    await rm(file, { force: true });
    await pipeline(chunks, createWriteStream(file, { flags: "wx", mode: 0o600 }));
    await using handle = await open(file, "r");
    await handle.sync();
  }

  return {
    async offer(archives) {
      const request = { jobId, daemonId, archives: archives.map(toMessage) };
      const { missingSha256, refusal } = await retried((signal) => client.offerArchives(request, { signal }));
      return { missing: missingSha256, refusal };
    },
    upload: (archive, file) => retried((signal) => upload(archive, file, signal)),
    download: (archive, file) => retried((signal) => download(archive, file, signal)),
  };
}

function toMessage({ sha256, size }: ArchiveRef) {
  return { sha256, size: BigInt(size) };
}

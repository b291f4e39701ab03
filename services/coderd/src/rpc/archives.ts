import { abortable, type Clock, FleetError } from "@fleet/base";
import type { CallContext, Handlers } from "@fleet/proto-gen";
import type { ProvisionerDaemonService, UploadArchiveRequest } from "@fleet/proto-gen/provisioner";
import type { Archives } from "../archives/service.js";
import { fromArchive } from "../convert/installation.js";
import type { DaemonKey, ProvisionerDaemons } from "../provisionerdaemons/service.js";
import { requireFew, SILENCE_MS, silent } from "./limits.js";

type Service = Handlers<(typeof ProvisionerDaemonService)["method"]>;

export type ArchiveHandlersOptions = {
  archives: Archives;
  daemons: Pick<ProvisionerDaemons, "requireKeyHolder">;
  authenticate(context: CallContext): Promise<DaemonKey>;
  /** The stream's key, and a signal that aborts when the key is deleted. */
  hold(stream: CallContext): Promise<{ key: DaemonKey; revoked: AbortSignal } & Disposable>;
  clock: Clock;
};

/** The calls that move archives between daemons and coderd. */
export function createArchiveHandlers(
  options: ArchiveHandlersOptions,
): Pick<Service, "offerArchives" | "uploadArchive" | "downloadArchive"> {
  const { archives, daemons, authenticate, hold, clock } = options;

  async function receiveArchive(
    messages: AsyncIterable<UploadArchiveRequest>,
    { key, revoked }: { key: DaemonKey; revoked: AbortSignal },
  ): Promise<void> {
    const silence = new AbortController();
    const either = AbortSignal.any([revoked, silence.signal]);
    const stream = messages[Symbol.asyncIterator]();
    const next = async () => {
      const timer = clock.after(SILENCE_MS, () => silence.abort(silent()));
      try {
        return await abortable(stream.next(), either);
      } finally {
        timer.cancel();
      }
    };
    async function* chunks(): AsyncGenerator<Uint8Array> {
      for (let message = await next(); !message.done; message = await next()) {
        if (message.value.message.case === "chunk") yield message.value.message.value;
      }
    }
    const first = await next();
    if (first.done || first.value.message.case !== "header") {
      throw new FleetError("invalid_argument", "The first message of an upload must be its header.");
    }
    const { jobId, daemonId, archive } = first.value.message.value;
    await daemons.requireKeyHolder(key, daemonId);
    await archives.receive({ jobId, daemonId, archive: fromArchive(archive) }, chunks());
  }

  return {
    async offerArchives({ jobId, daemonId, archives: offered }, context) {
      await daemons.requireKeyHolder(await authenticate(context), daemonId);
      requireFew(offered);
      const { missing, refusal } = await archives.offer({
        jobId,
        daemonId,
        archives: offered.map(fromArchive),
      });
      return { missingSha256: missing, refusal };
    },

    async uploadArchive(stream) {
      using held = await hold(stream);
      await receiveArchive(stream, held);
      await stream.send({});
    },

    async downloadArchive({ sha256 }, stream) {
      using held = await hold(stream);
      const { key, revoked } = held;
      const organizations = key.organizationId ? [key.organizationId] : key.user?.organizationIds;
      for await (const chunk of archives.read(sha256, organizations)) {
        revoked.throwIfAborted();
        if (stream.signal.aborted) return;
        await stream.send({ chunk });
      }
    },
  };
}

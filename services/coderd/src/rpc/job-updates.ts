import type { MessageInitShape } from "@bufbuild/protobuf";
import { abortable, type Clock, errorMessage, type Logger } from "@fleet/base";
import type { Handlers } from "@fleet/proto-gen";
import type {
  ProvisionerDaemonService,
  UpdateJobRequest,
  UpdateJobResponseSchema,
} from "@fleet/proto-gen/provisioner";
import type { StateStore } from "../builds/state-store.js";
import { fromUpdate, fromVariable } from "../convert/provisioner.js";
import type { Kinds } from "../job-kinds.js";
import type { DaemonKey, ProvisionerDaemons } from "../provisionerdaemons/service.js";
import type { Assignments } from "../provisionerjobs/assignments.js";
import { jobChannel } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { declareVariables } from "../templateversions/work.js";
import type { VersionWorkStore } from "../templateversions/work-store.js";

type UpdateStream = Parameters<Handlers<(typeof ProvisionerDaemonService)["method"]>["updateJob"]>[0];

/**
 * Receives a daemon's job updates until the stream ends, a job is lost, or the key is revoked. Sends a cancel to the
 * daemon immediately.
 */
export type JobUpdates = (
  stream: UpdateStream,
  holder: { key: DaemonKey; revoked: AbortSignal; serves(daemonId: string): void },
) => Promise<void>;

export type JobUpdatesOptions = {
  provisionerDaemons: ProvisionerDaemons;
  assignments: Assignments<Kinds>;
  stateStore: StateStore;
  versionWorkStore: VersionWorkStore;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
};

export function createJobUpdates(options: JobUpdatesOptions): JobUpdates {
  const { provisionerDaemons: daemons, assignments, pubsub, clock, logger } = options;
  const { stateStore: states, versionWorkStore: versions } = options;

  async function applyUpdate(
    message: UpdateJobRequest,
  ): Promise<MessageInitShape<typeof UpdateJobResponseSchema>> {
    const stored = await assignments.update(fromUpdate(message));
    if (stored.lost) return { lost: true };
    const { jobId, daemonId } = message;
    if (message.checkpointState.length > 0) {
      await states.checkpoint(jobId, daemonId, message.checkpointState, clock.now());
    }
    const asks = message.templateVariables.length > 0 || message.readme !== "";
    const variableValues = asks
      ? await declareVariables(versions, {
          jobId,
          daemonId,
          variables: message.templateVariables.map(fromVariable),
          readme: message.readme,
        })
      : [];
    return {
      acknowledged: stored.acknowledged,
      canceled: stored.canceled,
      variableValues,
    };
  }

  return async (stream, { key, revoked, serves }) => {
    const ended = new AbortController();
    const signal = AbortSignal.any([stream.signal, ended.signal, revoked]);
    const messages = stream[Symbol.asyncIterator]();
    let watching: Promise<void> | undefined;
    let daemonId: string | undefined;
    try {
      for (;;) {
        const next = await abortable(messages.next(), revoked);
        if (next.done) return;
        const message = next.value;
        if (message.daemonId !== daemonId) await daemons.requireKeyHolder(key, message.daemonId);
        daemonId = message.daemonId;
        serves(daemonId);
        const response = await applyUpdate(message);
        await stream.send(response);
        if (response.lost) return;
        watching ??= watchCancel(message.jobId, message.daemonId);
      }
    } finally {
      ended.abort();
      await watching?.catch((error) => logger.debug("job watch ended", { error: errorMessage(error) }));
    }

    /** Sends a cancel immediately instead of with the next acknowledgement. */
    async function watchCancel(jobId: string, worker: string): Promise<void> {
      const hints = await hintsOf(pubsub, jobChannel(jobId), clock, signal);
      while (!signal.aborted) {
        await hints.next();
        if (signal.aborted) return;
        const look = await assignments.update({
          jobId,
          daemonId: worker,
          sequence: 0n,
          logs: [],
          timings: [],
        });
        if (look.canceled || look.lost) await stream.send(look);
      }
    }
  };
}

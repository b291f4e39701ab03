import { type Clock, createBackoff, errorMessage, isFleetError, type Logger, RECONNECT } from "@fleet/base";
import type { CoderdClient } from "./coderd-client.js";

export type Identity = {
  /** A uuid that this process made at its start. */
  daemonId: string;
  name: string;
  version: string;
  provisioners: readonly string[];
  tags: Readonly<Record<string, string>>;
  slots: number;
  /** Name or id; empty for the default one. */
  organization: string;
};

export type SessionOptions = {
  client: CoderdClient;
  identity: Identity;
  running(): readonly string[];
  /** Called with what coderd says, and with no queues while it cannot be reached: then nothing is to be taken. */
  onSettings(settings: { queues: readonly string[]; forceCancelIntervalMs?: number }): void;
  clock: Clock;
  logger: Logger;
};

const DEFAULT_HEARTBEAT_MS = 5_000;

/**
 * Holds the daemon's one Session stream until the signal aborts: registers, beats, and registers again after a break.
 * Rejects when coderd refuses the daemon at its first try, for that does not heal by waiting.
 */
export async function holdSession(options: SessionOptions, signal: AbortSignal): Promise<void> {
  const { client, identity, clock, logger } = options;
  const backoff = createBackoff(RECONNECT);
  let accepted = false;

  async function once(): Promise<void> {
    const stream = client.session();
    const leave = () => stream.end();
    signal.addEventListener("abort", leave, { once: true });
    let interval = 0;
    let heartbeat = { cancel() {} };
    const beatEach = (ms: number) => {
      if (ms === interval) return;
      interval = ms;
      heartbeat.cancel();
      heartbeat = clock.every(ms, () => {
        stream
          .send({ message: { case: "heartbeat", value: { runningJobIds: [...options.running()] } } })
          .catch(() => {});
      });
    };
    try {
      const register = {
        ...identity,
        provisioners: [...identity.provisioners],
        tags: { ...identity.tags },
        runningJobIds: [...options.running()],
      };
      await stream.send({ message: { case: "register", value: register } });
      for await (const response of stream) {
        if (!accepted) logger.info("Registered with coderd.", { queues: response.queues.length });
        accepted = true;
        backoff.reset();
        beatEach(response.heartbeatIntervalMs || DEFAULT_HEARTBEAT_MS);
        options.onSettings({
          queues: signal.aborted ? [] : response.queues,
          ...(response.forceCancelIntervalMs > 0n && {
            forceCancelIntervalMs: Number(response.forceCancelIntervalMs),
          }),
        });
      }
    } finally {
      heartbeat.cancel();
      signal.removeEventListener("abort", leave);
      options.onSettings({ queues: [] });
    }
  }

  while (!signal.aborted) {
    try {
      await once();
    } catch (error) {
      if (!accepted && isFleetError(error, "unauthenticated", "permission_denied", "invalid_argument"))
        throw error;
      if (!signal.aborted)
        logger.warn("coderd cannot be reached; it is tried again.", { error: errorMessage(error) });
    }
    if (!signal.aborted) await clock.sleep(backoff.next(), signal).catch(() => {});
  }
}

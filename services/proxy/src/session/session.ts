import {
  type Clock,
  createBackoff,
  errorMessage,
  type GrantChange,
  type Logger,
  RECONNECT,
  VERSION,
} from "@fleet/base";
import type { SessionResponse } from "@fleet/proto-gen/proxy";
import type { AgentRegistry } from "../agents/registry.js";
import type { Coderd } from "./coderd.js";
import type { SettingsStore } from "./settings.js";

export type SessionOptions = {
  coderd: Coderd;
  agents: AgentRegistry;
  settings: SettingsStore;
  replicaId: string;
  hostname: string;
  /** `host:port` of this replica's relay, or empty. */
  relayAddress: string;
  clock: Clock;
  log: Logger;
  onRouteChanged(agentId: string): void;
  /** Called when something that decides about access has changed. */
  onAccessChanged(change: GrantChange): void;
  /**
   * Called when the stream is established and settings were received, or when it was lost and messages may have been
   * missed.
   */
  onStateChange?(connected: boolean): void;
};

export type Session = {
  /** True while the stream is established. */
  readonly connected: boolean;
  close(): Promise<void>;
};

type Outgoing = Parameters<ReturnType<Coderd["session"]>["send"]>[0]["message"];

/** Maintains the stream to coderd: registers, announces agents, sends heartbeats, and reconnects forever. */
export function startSession(options: SessionOptions): Session {
  const { coderd, agents, settings, clock, log } = options;
  const stop = new AbortController();
  let connected = false;

  function setConnected(value: boolean): void {
    if (connected === value) return;
    connected = value;
    options.onStateChange?.(value);
  }

  function handle({ message }: SessionResponse): void {
    switch (message.case) {
      case "settings":
        settings.update(message.value);
        setConnected(true);
        break;
      case "routeChanged":
        options.onRouteChanged(message.value.agentId);
        break;
      case "disconnectAgent":
        agents.disconnect(message.value.agentId, "The workspace's build has ended.");
        break;
      case "accessChanged":
        options.onAccessChanged(message.value.all ? "all" : message.value.subjects);
        break;
      case "revokeApps":
        options.onAccessChanged([`user:${message.value.userId}`, `workspace:${message.value.workspaceId}`]);
        break;
      case undefined:
        break;
    }
  }

  async function runOnce(onUp: () => void): Promise<void> {
    const stream = coderd.session({ signal: stop.signal });
    // If sending fails, the stream has ended; registering again announces everything.
    const send = (message: Outgoing) => void stream.send({ message }).catch(() => {});
    const unsubscribe = agents.subscribe({
      onConnected: (agent) => send({ case: "agentConnected", value: announcement(agent) }),
      onDisconnected: (agent) => send({ case: "agentDisconnected", value: announcement(agent) }),
    });
    send({
      case: "register",
      value: {
        replicaId: options.replicaId,
        hostname: options.hostname,
        version: VERSION,
        relayAddress: options.relayAddress,
        agents: agents.list().map(announcement),
      },
    });
    let heartbeat = beat(send);
    try {
      for await (const response of stream) {
        handle(response);
        if (response.message.case !== "settings") continue;
        heartbeat.cancel();
        heartbeat = beat(send);
        onUp();
      }
    } finally {
      heartbeat.cancel();
      unsubscribe();
      setConnected(false);
    }
  }

  function beat(send: (message: Outgoing) => void) {
    const { heartbeatIntervalMs } = settings.current() ?? { heartbeatIntervalMs: 15_000 };
    return clock.every(heartbeatIntervalMs, () => send({ case: "heartbeat", value: {} }));
  }

  async function run(): Promise<void> {
    const backoff = createBackoff({ ...RECONNECT, maxMs: 2_000 });
    while (!stop.signal.aborted) {
      let reason = "coderd ended the stream";
      try {
        await runOnce(() => backoff.reset());
      } catch (error) {
        reason = errorMessage(error);
      }
      if (stop.signal.aborted) return;
      const delayMs = backoff.next();
      log.warn("Lost the session with coderd; reconnecting.", { reason, delayMs });
      await clock.sleep(delayMs, stop.signal).catch(() => {});
    }
  }

  const running = run();
  return {
    get connected() {
      return connected;
    },
    async close() {
      stop.abort();
      await running;
    },
  };
}

function announcement(agent: { agentId: string; connectedAtMs: number }) {
  return { agentId: agent.agentId, connectedAtMs: BigInt(agent.connectedAtMs) };
}

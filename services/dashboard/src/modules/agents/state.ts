import type { WorkspaceAgent } from "@fleet/sdk";

export type AgentState = {
  label: string;
  tone: "ok" | "busy" | "idle" | "warn" | "bad";
  /** Explanation and what to do; undefined if there is no problem. */
  explanation: string | undefined;
  /** Terminals and apps can be opened. */
  usable: boolean;
};

const LIFECYCLES: Record<WorkspaceAgent["lifecycle_state"], AgentState> = {
  created: {
    label: "Starting",
    tone: "busy",
    usable: true,
    explanation: "The startup scripts are about to run.",
  },
  starting: {
    label: "Starting",
    tone: "busy",
    usable: true,
    explanation: "The startup scripts are running. You can connect, but setup may be incomplete.",
  },
  start_timeout: {
    label: "Startup is slow",
    tone: "warn",
    usable: true,
    explanation:
      "A startup script has exceeded its time limit and is still running. See the log below for its progress.",
  },
  start_error: {
    label: "Startup failed",
    tone: "bad",
    usable: true,
    explanation: "A startup script failed. You can connect to the workspace to investigate.",
  },
  ready: { label: "Connected", tone: "ok", usable: true, explanation: undefined },
  shutting_down: {
    label: "Shutting down",
    tone: "busy",
    usable: false,
    explanation: "The shutdown scripts are running.",
  },
  shutdown_timeout: {
    label: "Shutdown is slow",
    tone: "warn",
    usable: false,
    explanation: "A shutdown script has exceeded its time limit and is still running.",
  },
  shutdown_error: {
    label: "Shutdown failed",
    tone: "bad",
    usable: false,
    explanation: "A shutdown script failed. The workspace stops anyway.",
  },
  off: { label: "Off", tone: "idle", usable: false, explanation: undefined },
};

/** Combines connection and lifecycle into one state. */
export function agentState(agent: WorkspaceAgent): AgentState {
  switch (agent.status) {
    case "connecting":
      return {
        label: "Connecting",
        tone: "busy",
        usable: false,
        explanation: "Waiting for the agent to connect. This takes longer if an image has to be pulled.",
      };
    case "timeout":
      return {
        label: "Agent did not connect",
        tone: "bad",
        usable: false,
        explanation: `The agent did not connect within ${agent.connection_timeout_seconds} s. Check that the agent's init script runs and can reach this deployment's access URL.`,
      };
    case "disconnected":
      return {
        label: "Disconnected",
        tone: "warn",
        usable: false,
        explanation:
          "The agent lost its connection. It reconnects automatically when it can reach this deployment.",
      };
    case "connected":
      return LIFECYCLES[agent.lifecycle_state];
  }
}

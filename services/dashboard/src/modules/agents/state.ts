import type { WorkspaceAgent } from "@fleet/sdk";

export type AgentState = {
  label: string;
  tone: "ok" | "busy" | "idle" | "warn" | "bad";
  /** What it means and what to do; undefined where all is well. */
  explanation: string | undefined;
  /** A shell or an app can be opened. */
  usable: boolean;
};

const LIFECYCLES: Record<WorkspaceAgent["lifecycle_state"], AgentState> = {
  created: {
    label: "Starting",
    tone: "busy",
    usable: true,
    explanation: "The agent is about to run its startup scripts.",
  },
  starting: {
    label: "Starting",
    tone: "busy",
    usable: true,
    explanation: "The startup scripts are running. You can connect, but not everything may be in place.",
  },
  start_timeout: {
    label: "Slow start",
    tone: "warn",
    usable: true,
    explanation: "A startup script runs longer than its limit. It goes on; the log below tells what it does.",
  },
  start_error: {
    label: "Startup failed",
    tone: "bad",
    usable: true,
    explanation:
      "A startup script failed: its log is below. You can connect and look, then restart the workspace.",
  },
  ready: { label: "Connected", tone: "ok", usable: true, explanation: undefined },
  shutting_down: {
    label: "Shutting down",
    tone: "busy",
    usable: false,
    explanation: "The shutdown scripts are running.",
  },
  shutdown_timeout: {
    label: "Slow shutdown",
    tone: "warn",
    usable: false,
    explanation: "A shutdown script runs longer than its limit.",
  },
  shutdown_error: {
    label: "Shutdown failed",
    tone: "bad",
    usable: false,
    explanation: "A shutdown script failed: its log is below. The workspace stops all the same.",
  },
  off: { label: "Off", tone: "idle", usable: false, explanation: undefined },
};

/** Connection and lifecycle as one state: what somebody wants to know who would like to connect. */
export function agentState(agent: WorkspaceAgent): AgentState {
  switch (agent.status) {
    case "connecting":
      return {
        label: "Connecting",
        tone: "busy",
        usable: false,
        explanation:
          "The machine is up and its agent has yet to call home. That takes a few seconds, longer where an image is pulled.",
      };
    case "timeout":
      return {
        label: "Never connected",
        tone: "bad",
        usable: false,
        explanation: `The agent did not call home within ${agent.connection_timeout_seconds} s. Check that the machine runs the agent's init script and can reach this deployment's address.`,
      };
    case "disconnected":
      return {
        label: "Disconnected",
        tone: "warn",
        usable: false,
        explanation:
          "The agent lost its connection. It comes back by itself when its machine and the network are up; if not, restart the workspace.",
      };
    case "connected":
      return LIFECYCLES[agent.lifecycle_state];
  }
}

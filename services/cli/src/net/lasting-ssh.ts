import type { Duplex } from "node:stream";
import { FleetError, type Timer } from "@fleet/base";
import { openResumable } from "@fleet/tunnel/resumable";
import type { Context, Session } from "../context.js";
import { createLossNotice } from "./loss-notice.js";
import { openSshStream } from "./stream.js";

/** While disconnected, how often to check whether the workspace is still running, in milliseconds. */
const ASK_EVERY_MS = 5_000;
/** How long to try to notify the agent on exit if the connection is lost, in milliseconds. */
const FAREWELL_MS = { terminal: 2_000, stdio: 10_000 };

export type LastingSshOptions = {
  context: Context;
  session: Session;
  workspaceId: string;
  agentId: string;
  /** Run by an SSH client, without its own terminal. */
  stdio: boolean;
};

export type LastingSsh = {
  stream: Duplex & { readonly bytesRead: number; readonly bytesWritten: number };
  /** False if the agent or the proxy supports plain streams only: the session ends with its connection. */
  resumable: boolean;
  /** Registers a callback for when the screen may need to be redrawn after a visible disconnect. */
  onRepaint(repaint: () => void): void;
};

/**
 * A stream to an agent's SSH server that survives its connections: it continues after a restart of the proxy, a network
 * change or sleep, and notifies the user if that takes long. Fails with a message if the session is gone. A signal that
 * ends this program also ends the session.
 */
export async function openLastingSsh(options: LastingSshOptions): Promise<LastingSsh> {
  const { context, session, agentId, stdio } = options;
  const notice = createLossNotice({
    io: context.io,
    clock: context.clock,
    hasKeyboard: !stdio,
    onLeave: () => leave("Session closed while the connection was lost."),
  });
  let asking: Timer | undefined;

  const { stream, resumable } = await openResumable({
    connect: (signal) => openSshStream(session, agentId, signal, { resumable: true }),
    onLost() {
      notice.lost();
      asking ??= context.clock.every(ASK_EVERY_MS, endIfGone);
    },
    onResumed() {
      notice.resumed();
      stopAsking();
    },
    clock: context.clock,
    limits: { farewellMs: stdio ? FAREWELL_MS.stdio : FAREWELL_MS.terminal },
  });

  function stopAsking(): void {
    asking?.cancel();
    asking = undefined;
  }

  function endIfGone(): void {
    reasonOfEnd(options).then(
      (reason) => reason && asking && stream.destroy(new FleetError("failed_precondition", reason)),
      () => {}, // That the server cannot be asked says nothing about the workspace.
    );
  }

  function leave(why: string): void {
    stream.destroy(new FleetError("canceled", why));
  }

  // Clean up however the command ends.
  context.onClose(() => void stream.destroy());
  const onSignal = () => leave("Session closed.");
  // OpenSSH sends SIGHUP to its ProxyCommand on exit, and so does a closed terminal.
  process.once("SIGHUP", onSignal);
  context.signal.addEventListener("abort", onSignal, { once: true });
  stream.once("close", () => {
    notice.close();
    stopAsking();
    process.off("SIGHUP", onSignal);
    context.signal.removeEventListener("abort", onSignal);
  });
  return { stream: stream as LastingSsh["stream"], resumable, onRepaint: notice.onRepaint };
}

/** Why the agent's sessions are gone, if they are: they end when the workspace is stopped, deleted or restarted. */
async function reasonOfEnd({
  session,
  workspaceId,
  agentId,
}: LastingSshOptions): Promise<string | undefined> {
  const workspace = await session.client.workspaceGet({ params: { workspace: workspaceId } });
  const { latest_build: build, name } = workspace;
  if (build.transition === "stop") return `The workspace ${name} was stopped.`;
  if (build.transition === "delete") return `The workspace ${name} was deleted.`;
  const agents = build.resources.flatMap((resource) => resource.agents ?? []);
  if (agents.length === 0 || agents.some(({ id }) => id === agentId)) return undefined;
  return `The workspace ${name} was restarted. Connect again.`;
}

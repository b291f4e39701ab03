import type { Duplex } from "node:stream";
import { FleetError, type Timer } from "@fleet/base";
import { openResumable } from "@fleet/tunnel/resumable";
import type { Context, Session } from "../context.js";
import { createLossNotice } from "./loss-notice.js";
import { openSshStream } from "./stream.js";

/** How often the server is asked, while there is no connection, whether the workspace still runs. In milliseconds. */
const ASK_EVERY_MS = 5_000;
/** How long a program that ends tries to tell the agent, where the connection is lost. In milliseconds. */
const FAREWELL_MS = { terminal: 2_000, stdio: 10_000 };

export type LastingSshOptions = {
  context: Context;
  session: Session;
  workspaceId: string;
  agentId: string;
  /** An SSH client runs this program, which has no terminal of its own. */
  stdio: boolean;
};

export type LastingSsh = {
  stream: Duplex & { readonly bytesRead: number; readonly bytesWritten: number };
  /** False with an agent or a proxy that knows plain streams only: the session ends with its connection. */
  resumable: boolean;
  /** Calls back after a loss that was shown, when the screen may need to be painted again. */
  onRepaint(repaint: () => void): void;
};

/**
 * A stream to an agent's SSH server that outlives its connections: it goes on after a restart of the proxy, a change of
 * the network or a sleep of this machine, and tells the user where that takes long. Ends for good with a sentence when
 * the session cannot be had any more. A signal that ends this program ends the session too.
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

  // Whatever becomes of the command: nothing that it opened outlives it.
  context.onClose(() => void stream.destroy());
  const onSignal = () => leave("Session closed.");
  // OpenSSH sends it to its ProxyCommand in place of a goodbye, and a terminal that is closed does the same.
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

/** Why the agent's sessions are gone, if so: a workspace that was stopped, deleted or started anew has lost them. */
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

import type { Duplex } from "node:stream";
import { FleetError } from "@fleet/base";
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
    onLeave: () => leave("You left while the connection was lost."),
  });
  const askWhetherRunning = createRunningCheck(options);
  let begun = false;

  const { stream, resumable } = await openResumable({
    async connect(signal) {
      try {
        const socket = await openSshStream(session, agentId, signal, { resumable: true });
        begun = true;
        return socket;
      } catch (error) {
        if (begun) await askWhetherRunning();
        throw error;
      }
    },
    onLost: notice.lost,
    onResumed: notice.resumed,
    clock: context.clock,
    limits: { farewellMs: stdio ? FAREWELL_MS.stdio : FAREWELL_MS.terminal },
  });

  function leave(why: string): void {
    stream.destroy(new FleetError("canceled", why));
  }

  const onSignal = () => leave("The session was ended here.");
  // OpenSSH sends it to its ProxyCommand in place of a goodbye, and a terminal that is closed does the same.
  process.once("SIGHUP", onSignal);
  context.signal.addEventListener("abort", onSignal, { once: true });
  stream.once("close", () => {
    notice.close();
    process.off("SIGHUP", onSignal);
    context.signal.removeEventListener("abort", onSignal);
  });
  return { stream: stream as LastingSsh["stream"], resumable, onRepaint: notice.onRepaint };
}

/** Asks, now and then, and throws what is final: a workspace that was stopped, deleted or built again has lost its sessions. */
function createRunningCheck({ context, session, workspaceId, agentId }: LastingSshOptions) {
  let askedAt = 0;
  return async () => {
    const now = context.clock.now().getTime();
    if (now - askedAt < ASK_EVERY_MS) return;
    askedAt = now;
    const workspace = await session.client
      .workspaceGet({ params: { workspace: workspaceId } })
      .catch(() => undefined); // That it cannot be asked says nothing about the workspace.
    if (!workspace) return;
    const { latest_build: build, name } = workspace;
    if (build.transition !== "start") {
      const what = build.transition === "stop" ? "stopped" : "deleted";
      throw new FleetError("failed_precondition", `The workspace ${name} was ${what}.`);
    }
    const agents = build.resources.flatMap((resource) => resource.agents ?? []);
    if (agents.length > 0 && !agents.some(({ id }) => id === agentId)) {
      throw new FleetError("failed_precondition", `The workspace ${name} was started anew. Connect again.`);
    }
  };
}

import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { type Clock, createBackoff } from "@fleet/base";
import { wantsPage } from "../http/pages.js";
import { LIMITS } from "../limits.js";
import type { Coderd } from "../session/coderd.js";
import type { Decision } from "./gatekeeper.js";
import { isDeliberate } from "./intent.js";

/**
 * Starts the stopped workspace of an app that a person asks for, and lets the request wait for it: a browser shows a page
 * that reloads, other requests are held.
 */
export type Waking = {
  /** The decision after that; `ask` decides about the app again. */
  resolve(
    request: IncomingMessage,
    sessionToken: string,
    refused: Refused,
    ask: () => Promise<Decision>,
  ): Promise<Decision>;
};

type Refused = Extract<Decision, { kind: "refused" }>;

const BACKOFF = { initialMs: 250, maxMs: 2_000, factor: 2 };

export function createWaking({
  coderd,
  clock,
}: {
  coderd: Pick<Coderd, "wakeWorkspace">;
  clock: Clock;
}): Waking {
  let held = 0;
  /** Requests of one client arrive together, and ask once. By a hash of who asks. */
  const asked = new Map<string, { refusal: Promise<string>; untilMs: number }>();

  /** Why the workspace cannot be started; empty if it is starting. */
  function wake(workspaceId: string, sessionToken: string): Promise<string> {
    const key = createHash("sha256").update(`${workspaceId} ${sessionToken}`).digest("base64");
    const nowMs = clock.now().getTime();
    const known = asked.get(key);
    if (known && known.untilMs > nowMs) return known.refusal;
    const refusal = coderd.wakeWorkspace({ workspaceId, sessionToken }).then((answer) => answer.refusal);
    refusal.catch(() => asked.delete(key));
    asked.delete(key);
    asked.set(key, { refusal, untilMs: nowMs + LIMITS.wakeAgainMs });
    if (asked.size > LIMITS.wakes) asked.delete(asked.keys().next().value!);
    return refusal;
  }

  async function hold(
    request: IncomingMessage,
    refused: Refused,
    ask: () => Promise<Decision>,
  ): Promise<Decision> {
    const late: Refused = { ...refused, status: 503, retryAfterSeconds: LIMITS.wakeRetrySeconds };
    if (held >= LIMITS.heldRequests) return late;
    const gone = new AbortController();
    const onClose = () => gone.abort();
    request.socket.once("close", onClose);
    held += 1;
    try {
      const endsAtMs = clock.now().getTime() + LIMITS.wakeHoldMs;
      const backoff = createBackoff(BACKOFF);
      while (clock.now().getTime() < endsAtMs) {
        await clock.sleep(backoff.next(), gone.signal);
        const decision = await ask();
        if (decision.kind !== "refused" || !(decision.starting || decision.wakeable)) return decision;
      }
      return late;
    } finally {
      held -= 1;
      request.socket.off("close", onClose);
    }
  }

  return {
    async resolve(request, sessionToken, refused, ask) {
      let current = refused;
      if (refused.wakeable && isDeliberate(request)) {
        const refusal = await wake(refused.wakeable, sessionToken);
        if (refusal)
          return { ...refused, status: 503, title: "Workspace cannot be started", message: refusal };
        current = { ...refused, ...WOKEN };
      }
      if (!current.starting) return refused;
      if (wantsPage(request))
        return {
          ...current,
          status: 503,
          code: "workspace_starting",
          busy: true,
          retrySeconds: LIMITS.wakeReloadSeconds,
        };
      return hold(request, current, ask);
    },
  };
}

const WOKEN = {
  status: 503,
  title: "Starting the workspace",
  message: "The workspace was stopped. It is starting now, and the app opens as soon as it is ready.",
  starting: true,
};

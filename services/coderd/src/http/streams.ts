import type { FleetError } from "@fleet/base";
import type { AccessObject } from "@fleet/rbac";
import type { RouteSpec } from "@fleet/sdk";
import type { AgentActor, UserActor } from "../auth/actor.js";
import type { StreamGrant, StreamGrants } from "../grants/service.js";
import type { AnyHandler, HandlerRequest } from "./handler.js";

export type StreamRequest = HandlerRequest<RouteSpec>;

/** A stream's messages, and the function to call when it has ended. */
export type OpenStream = { messages: AsyncIterable<unknown>; release(): void };

/**
 * Opens a route's stream. Afterwards, whenever something it depends on changes, the same handler opens it again as a
 * check, for the actor as it then is, and the second stream is discarded. If the handler refuses, `end` is called.
 */
export type StreamOpener = (
  handler: AnyHandler,
  request: StreamRequest,
  decidedAtMs: number,
  end: (reason: FleetError) => void,
) => Promise<OpenStream>;

export function createStreamOpener(options: {
  grants: StreamGrants;
  /** The actor's current state. Throws `unauthenticated` if its key has expired. */
  again(actor: UserActor): Promise<UserActor>;
  /** What the streams of an agent depend on. */
  ofAgent(actor: AgentActor): StreamGrant;
}): StreamOpener {
  return async (handler, request, decidedAtMs, end) => {
    const { actor } = request;
    if (actor.kind !== "user") {
      const messages = (await handler(request)) as AsyncIterable<unknown>;
      const held = actor.kind === "agent" && options.grants.hold(options.ofAgent(actor), decidedAtMs, end);
      return { messages, release: held || (() => {}) };
    }
    const subjects = new Set([`user:${actor.userId}`, `key:${actor.apiKeyId}`]);
    const onAsked = (object: AccessObject) => {
      if (object.id) subjects.add(subjectOf(object));
    };
    const current = () => options.again(actor);
    const opening = { ...request, actor: { ...actor, onAsked }, current };
    const messages = (await handler(opening)) as AsyncIterable<unknown>;
    const ask = async () => {
      const now = await current();
      const dropped = new AbortController();
      const received = (async function* () {})();
      try {
        await handler({ ...opening, actor: { ...now, onAsked }, received, signal: dropped.signal });
      } finally {
        dropped.abort();
      }
      return now;
    };
    const release = options.grants.hold(
      { subjects, expiresAtMs: actor.expiresAt.getTime(), ask },
      decidedAtMs,
      end,
    );
    return { messages, release };
  };
}

/** Subjects as the triggers name them. A dormant workspace is the same workspace. */
function subjectOf({ type, id }: AccessObject): string {
  return `${type === "workspace_dormant" ? "workspace" : type}:${id}`;
}

import type { FleetError } from "@fleet/base";
import type { AccessObject } from "@fleet/rbac";
import type { RouteSpec } from "@fleet/sdk";
import type { UserActor } from "../auth/actor.js";
import type { StreamGrants } from "../grants/service.js";
import type { AnyHandler, HandlerRequest } from "./handler.js";

export type StreamRequest = HandlerRequest<RouteSpec>;

/** What a stream sends, and what to call when it has ended. */
export type OpenStream = { messages: AsyncIterable<unknown>; release(): void };

/**
 * Opens the stream of a route. From then on, whenever something that it rests on changes, it is opened once more by the
 * same handler for the same actor as it is then, and that second one dropped: where the handler refuses, `end` is called.
 */
export type StreamOpener = (
  handler: AnyHandler,
  request: StreamRequest,
  decidedAtMs: number,
  end: (reason: FleetError) => void,
) => Promise<OpenStream>;

export function createStreamOpener(options: {
  grants: StreamGrants;
  /** The actor as it is now. Throws `unauthenticated` when its key has ended. */
  again(actor: UserActor): Promise<UserActor>;
}): StreamOpener {
  return async (handler, request, decidedAtMs, end) => {
    const { actor } = request;
    if (actor.kind !== "user")
      return { messages: (await handler(request)) as AsyncIterable<unknown>, release() {} };
    const subjects = new Set([`user:${actor.userId}`, `key:${actor.apiKeyId}`]);
    const onAsked = (object: AccessObject) => {
      if (object.id) subjects.add(subjectOf(object));
    };
    const messages = (await handler({ ...request, actor: { ...actor, onAsked } })) as AsyncIterable<unknown>;
    const ask = async () => {
      const current = await options.again(actor);
      const dropped = new AbortController();
      try {
        await handler({ ...request, actor: { ...current, onAsked }, signal: dropped.signal });
      } finally {
        dropped.abort();
      }
      return current;
    };
    const release = options.grants.hold(
      { subjects, expiresAtMs: actor.expiresAt.getTime(), ask },
      decidedAtMs,
      end,
    );
    return { messages, release };
  };
}

/** As triggers name the subjects of changes. A workspace that sleeps is the same workspace. */
function subjectOf({ type, id }: AccessObject): string {
  return `${type === "workspace_dormant" ? "workspace" : type}:${id}`;
}

import type { Connection, ServerChannel, Session } from "ssh2";

/** Whether the client has closed a channel or disconnected. */
export type Departure = {
  readonly gone: boolean;
  /** Calls back when it has, possibly at once. */
  onceGone(callback: () => void): void;
};

/**
 * ssh2 reports a channel's close only after its input was read to the end, which a program may never do. So this
 * listens to the session and the client, and then discards the rest of the input.
 */
export function departureOf(channel: ServerChannel, session: Session, client: Connection): Departure {
  const callbacks = new Set<() => void>();
  let gone = false;
  const leave = () => {
    if (gone) return;
    gone = true;
    client.off("close", leave);
    for (const callback of callbacks) callback();
    channel.unpipe();
    channel.resume();
  };
  session.once("close", leave);
  client.once("close", leave);
  channel.once("close", leave);
  return {
    get gone() {
      return gone;
    },
    onceGone(callback) {
      if (gone) callback();
      else callbacks.add(callback);
    },
  };
}

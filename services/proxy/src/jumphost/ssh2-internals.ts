import type { Client, Connection, RejectConnection } from "ssh2";

/*
 * What our patch adds to ssh2, and its types lack: docs/adr/0012-patched-ssh2.md.
 */

/** One end of an SSH transport. */
export type Transport = {
  /** Gets each message of the connection protocol (RFC 4254) instead of ssh2. */
  onConnectionMessage?: (payload: Buffer) => void;
  /** Sends a message as another connection has received it. */
  sendMessage(payload: Buffer): void;
};

export function transportOf(connection: Connection | Client): Transport {
  return (connection as unknown as { _protocol: Transport })._protocol;
}

/** Disconnects the client with a message. */
export function disconnect(client: Connection, description: string): void {
  (client as unknown as { end(description: string): void }).end(description);
}

/** Refuses a channel with the sentence that the client shows. */
export function refuseChannel(reject: RejectConnection, description: string): void {
  (reject as (description: string) => void)(description);
}

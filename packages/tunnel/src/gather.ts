import type { Readable, Writable } from "node:stream";

/**
 * Combines everything `source` emits in one turn into one write to `destination`. For a tunnel stream piped into a
 * socket: each read of the transport holds the end of one frame and the start of the next, and without this each piece
 * costs a system call. Call it in the turn in which `source.pipe(destination)` is called.
 */
export function gatherWrites(source: Readable, destination: Writable): void {
  let gathering = false;
  const release = () => {
    gathering = false;
    destination.uncork();
  };
  source.on("data", () => {
    if (gathering) return;
    gathering = true;
    destination.cork();
    process.nextTick(release);
  });
}

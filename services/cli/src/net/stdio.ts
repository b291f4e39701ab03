import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { Io } from "../io.js";

/**
 * Joins standard input and output to the stream, for an SSH client that runs this program as its ProxyCommand. Ends
 * when the far side has said all, or when the client is gone.
 */
export async function pipeStdio(stream: Socket, { stdin, stdout }: Io): Promise<void> {
  const up = pipeline(stdin, stream).catch(ignoreClosed);
  const down = pipeline(stream, stdout, { end: false }).catch(ignoreClosed);
  await Promise.race([down, up.then(() => down)]);
  stream.destroy();
  stdin.destroy();
}

/** Either side hanging up is how such a session ends. */
function ignoreClosed(error: NodeJS.ErrnoException): void {
  const ends = ["ERR_STREAM_PREMATURE_CLOSE", "EPIPE", "ECONNRESET", "ABORT_ERR"];
  if (!ends.includes(error.code ?? "")) throw error;
}

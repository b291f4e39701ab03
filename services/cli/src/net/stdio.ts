import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout } from "node:timers/promises";
import { isFleetError } from "@fleet/base";
import type { Io } from "../io.js";

/**
 * How long the server may keep sending after the client has closed its side; an SSH connection is useless half open.
 */
const LINGER_MS = 500;

/**
 * Connects standard input and output to the stream, for an SSH client that runs this program as its ProxyCommand. Ends
 * when the server has closed, or soon after the client has.
 */
export async function pipeStdio(stream: Duplex, { stdin, stdout }: Io): Promise<void> {
  const down = pipeline(stream, stdout, { end: false }).catch(ignoreClosed);
  const up = pipeline(stdin, stream)
    .catch(ignoreClosed)
    .then(() => setTimeout(LINGER_MS));
  try {
    await Promise.race([down, up]);
  } finally {
    stream.destroy();
    stdin.destroy();
  }
}

/** A close by either side is the normal end of a session. */
function ignoreClosed(error: NodeJS.ErrnoException): void {
  const ends = ["ERR_STREAM_PREMATURE_CLOSE", "EPIPE", "ECONNRESET", "ABORT_ERR"];
  if (!ends.includes(error.code ?? "") && !isFleetError(error, "canceled")) throw error;
}

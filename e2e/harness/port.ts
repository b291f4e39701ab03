import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the kernel's ephemeral ports (ip_local_port_range), so that no process gets one by chance. */
const FIRST = 20_000;
const LAST = 30_000;

/** Reserves a port of 127.0.0.1 until its owner listens on it. */
export async function reservedPort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, LAST);
    const free = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

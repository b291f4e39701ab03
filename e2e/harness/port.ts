import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/** Below the ports that the kernel hands out by itself (ip_local_port_range), so that nobody gets one by chance. */
const FIRST = 20_000;
const LAST = 30_000;

/** A port of 127.0.0.1 that stays free until its owner listens on it. */
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

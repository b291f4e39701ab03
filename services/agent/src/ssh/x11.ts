import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { FleetError } from "@fleet/base";
import type { Connection, X11Info } from "ssh2";
import { joinChannel } from "./channel.js";
import { type Listener, listenLoopback } from "./listen.js";

/** Like sshd: displays from 10 on, to avoid conflicts with local X servers. */
const FIRST_DISPLAY = 10;
const LAST_DISPLAY = 1_000;
const X11_PORT = 6_000;
/** Timeout of xauth, which may wait for the lock of its file, in milliseconds. */
const XAUTH_TIMEOUT_MS = 15_000;
/** Location of xauth on systems that have it outside PATH. */
const MORE_PATHS = ["/usr/bin", "/usr/X11R6/bin", "/opt/X11/bin", "/usr/local/bin"];

/** The client's fake credentials, which it replaces with the real ones. */
export type X11Request = X11Info & { screen: number };

export type X11Display = {
  /** For `DISPLAY`: `localhost:10.0`. */
  name: string;
  close(): void;
};

/** The path of xauth, or undefined if it is not installed. */
export function findXauth(path = ""): string | undefined {
  for (const folder of [...path.split(delimiter), ...MORE_PATHS]) {
    if (!folder.startsWith("/")) continue;
    try {
      accessSync(join(folder, "xauth"), constants.X_OK);
      return join(folder, "xauth");
    } catch {
      // Try the next folder.
    }
  }
  return undefined;
}

/** False for a request whose values xauth could interpret as anything but a protocol name and a hexadecimal cookie. */
export function isSane({ protocol, cookie }: X11Request): boolean {
  return /^[\w.-]+$/.test(protocol) && /^[0-9a-f]+$/i.test(String(cookie)) && String(cookie).length % 2 === 0;
}

/**
 * Creates a display that is forwarded to the client, and adds its credentials with xauth. Rejects if no display is free
 * or xauth fails.
 */
export async function openDisplay(
  client: Connection,
  request: X11Request,
  xauth: string,
  env: Record<string, string>,
): Promise<X11Display> {
  const { listener, display } = await listenOnDisplay((socket) => {
    client.x11(socket.remoteAddress ?? "127.0.0.1", socket.remotePort ?? 0, (error, channel) => {
      if (error) socket.destroy();
      else joinChannel(channel, socket);
    });
    if (request.single) listener.close();
  });
  // The name that programs look up for `localhost:10`.
  const authority = `unix:${display}.${request.screen}`;
  try {
    await tell(xauth, env, `remove ${authority}\nadd ${authority} ${request.protocol} ${request.cookie}\n`);
  } catch (error) {
    listener.close();
    throw error;
  }
  return { name: `localhost:${display}.${request.screen}`, close: listener.close };
}

async function listenOnDisplay(
  onSocket: Parameters<typeof listenLoopback>[1],
): Promise<{ listener: Listener; display: number }> {
  for (let display = FIRST_DISPLAY; display < LAST_DISPLAY; display++) {
    try {
      return { listener: await listenLoopback(X11_PORT + display, onSocket), display };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
  throw new FleetError("resource_exhausted", "All X11 displays are in use.");
}

function tell(xauth: string, env: Record<string, string>, commands: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      xauth,
      ["-q", "-"],
      { env, timeout: XAUTH_TIMEOUT_MS, killSignal: "SIGKILL" },
      (error, _stdout, stderr) => {
        if (!error) return resolve();
        const reason = stderr.trim().split("\n")[0] || error.message;
        reject(new FleetError("failed_precondition", `xauth failed: ${reason}`, { cause: error }));
      },
    );
    child.stdin!.on("error", () => {});
    child.stdin!.end(commands);
  });
}

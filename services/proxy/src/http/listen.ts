import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { errorMessage, FleetError } from "@fleet/base";

/**
 * Listens on `host:port` (port 0 takes a free one, an empty host all addresses) and returns the address bound. Rejects
 * with a sentence that names the setting.
 */
export async function listen(
  server: Pick<Server, "listen" | "address" | "once" | "off" | "on">,
  address: string,
  setting: string,
): Promise<string> {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    throw new FleetError(
      "invalid_argument",
      `${setting} is "${address}", which is no address. Write it like 127.0.0.1:3000.`,
    );
  }
  const host = match[1] ?? match[2] ?? "";
  server.listen(port, host === "" ? undefined : host);
  try {
    await once(server as Server, "listening");
  } catch (error) {
    throw new FleetError("unavailable", sentenceOf(error, address, setting), { cause: error });
  }
  const bound = (server.address() as AddressInfo).port;
  return `${host.includes(":") ? `[${host}]` : host}:${bound}`;
}

function sentenceOf(error: unknown, address: string, setting: string): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === "EADDRINUSE") {
    return `Another program listens on ${address} already. Stop it, or set ${setting} to another address.`;
  }
  if (code === "EACCES") {
    return `This user may not listen on ${address}. Choose a port of 1024 or above by ${setting}.`;
  }
  return `${setting} (${address}) cannot be listened on: ${errorMessage(error)}.`;
}

/** Stops the server and cuts what is connected to it, switched connections too. */
export async function closeServer(
  server: Pick<Server, "close" | "closeAllConnections" | "listening">,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}

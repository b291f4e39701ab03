import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

const HOST = "127.0.0.1";

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  return (await listenOnce(0, HOST))!;
}

/** True if the address's port is free to listen on. */
export async function isPortFree(port: number, host: string = HOST): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

async function listenOnce(port: number, host: string): Promise<number | undefined> {
  const server = createServer();
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch {
    return undefined;
  }
  const address = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return address.port;
}

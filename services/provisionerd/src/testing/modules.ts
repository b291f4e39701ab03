import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { packFiles } from "@fleet/provisionersdk";

/** Serves a module as a module registry's download would. */
export async function createModuleServer(main: string) {
  const archive = gzipSync(await packFiles({ "main.tf": main, "greeting.txt": "hello" }));
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    response.writeHead(200, { "content-type": "application/gzip" }).end(archive);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    source: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pod.tar.gz`,
    requests: () => requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

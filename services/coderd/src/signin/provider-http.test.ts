import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { providerFetch } from "./provider-http.js";

test.each<[string, (response: ServerResponse) => void]>([
  ["never answers", () => {}],
  ["stops in the middle", (response) => void response.write("{")],
  [
    "never ends",
    (response) => {
      const timer = setInterval(() => response.write("x".repeat(1_000_000)), 1);
      response.once("close", () => clearInterval(timer));
    },
  ],
])("a provider that %s is given up", async (_name, answer) => {
  const server = createServer((_request, response) => answer(response.writeHead(200)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await expect(providerFetch(url, {}, 200)).rejects.toMatchObject({ code: "unavailable" });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

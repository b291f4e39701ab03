import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { listeningPorts } from "./ports.js";

test("a socket that listens is told with its process, and not once it is closed", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const processName = readFileSync("/proc/self/comm", "utf8").trim();
  expect(await listeningPorts()).toContainEqual({ port, network: "tcp", processName });
  server.close();
  await once(server, "close");
  expect((await listeningPorts()).map((each) => each.port)).not.toContain(port);
});

test("where there is no /proc, nothing is known", async () => {
  expect(await listeningPorts("/nowhere")).toEqual([]);
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { waitFor } from "../testing/wait.js";
import { listeningPorts } from "./ports.js";

test("a listening socket is reported until it is closed", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  expect(await listeningPorts()).toContainEqual(expect.objectContaining({ port, network: "tcp" }));
  server.close();
  await once(server, "close");
  expect((await listeningPorts()).map((each) => each.port)).not.toContain(port);
});

const SERVE =
  "require('net').createServer().listen(0, '127.0.0.1', function () { console.log(this.address().port); ";

test.each([
  ["node", ""],
  ["a-server", "process.title = 'a-server: worker of something'; "],
  ["a long name of a server (v1)", "process.title = 'a long name of a server (v1)'; "],
])("it is reported with its command: %s", async (name, more) => {
  const child = spawn(process.execPath, ["-e", `${SERVE}${more}});`, "some", "room for a title"], {
    argv0: "/usr/bin/node",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const port = Number((await once(child.stdout, "data"))[0]);
  await waitFor(async () => {
    expect(await listeningPorts()).toContainEqual({ port, network: "tcp", processName: name });
    return true;
  });
  child.kill();
});

test("without /proc, nothing is reported", async () => {
  expect(await listeningPorts("/nowhere")).toEqual([]);
});

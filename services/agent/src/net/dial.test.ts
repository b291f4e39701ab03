import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { dial } from "./dial.js";

async function listening(on: { host: string } | { path: string }, says: string) {
  const server = createServer((socket) => socket.end(says));
  await once(server.listen("path" in on ? on : { port: 0, ...on }), "listening");
  return { server, port: (server.address() as AddressInfo).port };
}

test.each(["localhost", "127.0.0.1"])("%s is ::1 if nothing listens on 127.0.0.1", async (host) => {
  const { server, port } = await listening({ host: "::1" }, "six");
  expect(await text(await dial({ host, port }))).toBe("six");
  server.close();
});

test("127.0.0.1 is tried first", async () => {
  const six = await listening({ host: "::1" }, "six");
  const four = createServer((socket) => socket.end("four"));
  await once(four.listen(six.port, "127.0.0.1"), "listening");
  expect(await text(await dial({ host: "localhost", port: six.port }))).toBe("four");
  four.close();
  six.server.close();
});

test("::1 means only ::1, and a socket path means a socket", async () => {
  const { server, port } = await listening({ host: "127.0.0.1" }, "four");
  await expect(dial({ host: "::1", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  server.close();
  const path = join(mkdtempSync(join(tmpdir(), "dial-")), "s");
  const local = await listening({ path }, "local");
  expect(await text(await dial({ path }))).toBe("local");
  local.server.close();
});

test("an invalid port, a closed port and an aborted signal reject", async () => {
  await expect(dial({ host: "localhost", port: 70_000 })).rejects.toMatchObject({
    code: "ERR_SOCKET_BAD_PORT",
  });
  const { server, port } = await listening({ host: "127.0.0.1" }, "");
  server.close();
  await once(server, "close");
  await expect(dial({ host: "localhost", port })).rejects.toMatchObject({ code: "ECONNREFUSED" });
  const reason = new Error("it did not answer");
  await expect(dial({ host: "192.0.2.1", port: 80 }, AbortSignal.abort(reason))).rejects.toBe(reason);
  const late = new AbortController();
  const dialled = dial({ host: "192.0.2.1", port: 80 }, late.signal);
  late.abort(reason);
  await expect(dialled).rejects.toThrow();
});

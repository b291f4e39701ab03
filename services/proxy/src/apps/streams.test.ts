import { once } from "node:events";
import { connect } from "node:net";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { fleetWithApp, onHost, PATH, signedIn } from "../testing/app.js";
import { fetchFrom, startRequest, USER_TOKEN } from "../testing/fleet.js";
import { collectWarnings } from "../testing/warnings.js";

test("WebSockets reach the app on a path and on a host", async () => {
  await using fleet = await fleetWithApp();
  for (const [url, headers] of [
    [`ws://${fleet.proxy.address}${PATH}/socket`, signedIn],
    [`ws://${fleet.proxy.address}/socket`, onHost],
  ] as const) {
    const socket = new WebSocket(url, { headers });
    await once(socket, "open");
    socket.send(Buffer.alloc(300_000, "x"));
    const [message] = await once(socket, "message");
    expect((message as Buffer).length).toBe(300_000);
    socket.close();
    await once(socket, "close");
  }
  expect(fleet.web.requests.at(-1)!.headers.cookie).toBeUndefined();
});

test("an event stream is not buffered, and ends at the app when the client disconnects", async () => {
  await using fleet = await fleetWithApp();
  const step = Promise.withResolvers<void>();
  fleet.web.handler = (_request, response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    void step.promise.then(() => response.write("data: 1\n\n"));
  };
  const response = await startRequest(fleet.proxy.address, `${PATH}/events`, { headers: signedIn });
  step.resolve();
  const [chunk] = await once(response, "data");
  expect(String(chunk)).toBe("data: 1\n\n");
  response.destroy();
  await waitFor(() => fleet.web.broken === 1, { what: "the app to learn that the client has gone" });
});

test("a response that the app aborts is aborted at the client", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (_request, response) => {
    response.writeHead(200, { "Content-Length": 1000 });
    response.write("part", () => response.destroy());
  };
  await expect(fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn })).rejects.toThrow("aborted");
});

test("large uploads and downloads arrive unchanged", async () => {
  await using fleet = await fleetWithApp();
  const sent = Buffer.alloc(8_000_000, "0123456789abcdef-");
  fleet.web.handler = (request, response) => void request.pipe(response);
  const echoed = await fetchFrom(fleet.proxy.address, `${PATH}/`, {
    method: "PUT",
    headers: signedIn,
    body: sent,
  });
  expect(echoed.body.equals(sent)).toBe(true);
});

test("an app can answer before it has read the upload", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (request, response) => {
    response.writeHead(413, { Connection: "close" }).end("too large");
    request.pause();
  };
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, {
    method: "POST",
    headers: signedIn,
    body: Buffer.alloc(100_000),
  });
  expect(reply.status).toBe(413);
  expect(reply.text).toBe("too large");
});

test("an upload that the client aborts is aborted at the app", async () => {
  await using fleet = await fleetWithApp();
  const [host, port] = fleet.proxy.address.split(":");
  const raw = connect({ host, port: Number(port) });
  raw.write(
    `POST ${PATH}/ HTTP/1.1\r\nHost: a\r\nCoder-Session-Token: ${USER_TOKEN}\r\nContent-Length: 1000\r\n\r\npart`,
  );
  await waitFor(() => fleet.web.requests.length === 1, { what: "the upload to begin" });
  raw.destroy();
  await waitFor(() => fleet.web.broken === 1, { what: "the app to learn of it" });
});

test("connections to an app are reused", async () => {
  await using fleet = await fleetWithApp();
  const ports = new Set<number>();
  fleet.web.handler = (request, response) => {
    ports.add(request.socket.remotePort!);
    response.end();
  };
  using warnings = collectWarnings();
  for (let i = 0; i < 15; i++) await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(ports.size).toBe(1);
  expect(warnings.seen.filter(({ name }) => name === "MaxListenersExceededWarning")).toEqual([]);
});

test("a reused connection that the app has closed does not fail the next request", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (request, response) => {
    response.end("ok");
    request.socket.once("data", () => request.socket.destroy());
  };
  await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  fleet.web.server.prependOnceListener("request", (request) => request.socket.destroy());
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(reply.text).toBe("ok");
});

test("many aborted downloads leave the tunnel and the connection pool usable", async () => {
  await using fleet = await fleetWithApp();
  const sent = Buffer.alloc(2_000_000, "x");
  fleet.web.handler = (request, response) => response.end(request.url === "/big" ? sent : "ok");
  for (let round = 0; round < 10; round++) {
    await Promise.all(
      Array.from({ length: 30 }, async () => {
        const response = await startRequest(fleet.proxy.address, `${PATH}/big`, { headers: signedIn });
        response.destroy();
      }),
    );
  }
  const reply = await fetchFrom(fleet.proxy.address, `${PATH}/`, { headers: signedIn });
  expect(reply.text).toBe("ok");
  await waitFor(() => fleet.agent.tunnel.stats().streams <= 1, { what: "the aborted streams to be gone" });
});

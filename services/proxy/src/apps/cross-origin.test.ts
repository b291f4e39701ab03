import { once } from "node:events";
import { WebSocket } from "ws";
import { fleetWithApp, HOST, onHost } from "../testing/app.js";
import { fetchFrom, USER_TOKEN } from "../testing/fleet.js";

test("apps of the same user can call each other; apps of other users cannot", async () => {
  await using fleet = await fleetWithApp();
  fleet.web.handler = (_request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.end("ok");
  };
  const { address } = fleet.proxy;
  const sibling = "http://api--main--dev--ana.apps.test";
  const stranger = "http://evil--main--dev--bob.apps.test";
  const preflight = (origin: string) =>
    fetchFrom(address, "/", {
      method: "OPTIONS",
      headers: {
        Host: HOST,
        Origin: origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-a",
      },
    });
  expect((await preflight(sibling)).headers).toMatchObject({
    "access-control-allow-origin": sibling,
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "x-a",
  });
  expect((await preflight(stranger)).headers).not.toHaveProperty("access-control-allow-origin");

  const call = (origin: string, method = "GET") =>
    fetchFrom(address, "/", { method, headers: { ...onHost, Origin: origin } });
  expect((await call(sibling)).headers["access-control-allow-origin"]).toBe(sibling);
  expect((await call(stranger)).headers).not.toHaveProperty("access-control-allow-origin");
  expect((await call(stranger, "POST")).status).toBe(403);
  const unknown = await fetchFrom(address, "/", { headers: { Host: HOST, Origin: sibling } });
  expect(unknown).toMatchObject({
    status: 401,
    headers: { "access-control-allow-origin": sibling, "x-coder-error": "sign_in_required" },
  });
  expect((await call(sibling, "POST")).status).toBe(200);
  const socket = new WebSocket(`ws://${address}/`, { headers: { ...onHost, Origin: stranger } });
  const [error] = await once(socket, "error");
  expect(String(error)).toContain("403");
});

test("a page of another origin can call a public app, but anonymously", async () => {
  await using fleet = await fleetWithApp();
  const { address } = fleet.proxy;
  const Origin = "https://elsewhere.test";
  const post = () => fetchFrom(address, "/hook", { method: "POST", headers: { ...onHost, Origin } });
  expect((await post()).status).toBe(403);
  fleet.app.public = true;
  expect((await post()).status).toBe(200);
  expect(fleet.coderd.asked.at(-1)!.sessionToken).toBe("");
  const socket = new WebSocket(`ws://${address}/`, { headers: { ...onHost, Origin } });
  await once(socket, "open");
  socket.close();
  // A token in a header was put there by somebody who knows it.
  fleet.app.public = false;
  const knowing = { Host: HOST, Origin, "Coder-Session-Token": USER_TOKEN };
  expect((await fetchFrom(address, "/", { method: "POST", headers: knowing })).status).toBe(200);
});

test("with CORS passthrough, the app answers preflights and its headers are kept", async () => {
  await using fleet = await fleetWithApp();
  fleet.app.corsPassthru = true;
  fleet.web.handler = (request, response) => {
    response.setHeader("Access-Control-Allow-Origin", "https://own.test");
    response.end(request.method);
  };
  const { address } = fleet.proxy;
  const sibling = "http://api--main--dev--ana.apps.test";
  const reply = await fetchFrom(address, "/", { headers: { ...onHost, Origin: sibling } });
  expect(reply.headers["access-control-allow-origin"]).toBe("https://own.test");
  fleet.app.public = true;
  const preflight = await fetchFrom(address, "/", {
    method: "OPTIONS",
    headers: { Host: HOST, Origin: sibling, "Access-Control-Request-Method": "PUT" },
  });
  expect(preflight).toMatchObject({
    text: "OPTIONS",
    headers: { "access-control-allow-origin": "https://own.test" },
  });
});

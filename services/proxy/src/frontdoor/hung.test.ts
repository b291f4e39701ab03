import { WebSocket } from "ws";
import { fetchFrom, startFleet } from "../testing/fleet.js";

const SILENCE_MS = 300;

test("a request to a hanging coderd times out, and a slow but active one does not", async () => {
  await using fleet = await startFleet({ coderdSilenceMs: SILENCE_MS });
  fleet.upstream.handler = (request, response) => {
    if (request.url !== "/events") return; // It hangs.
    let left = 8;
    const timer = setInterval(() => {
      response.write("event\n");
      if (--left > 0) return;
      clearInterval(timer);
      response.end();
    }, SILENCE_MS / 4);
  };
  const post = await fetchFrom(fleet.proxy.address, "/x", {
    method: "PATCH",
    headers: { "Content-Length": 0 },
  });
  expect(post.status).toBe(502);
  expect(JSON.parse(post.text).message).toContain("The control plane is unavailable");
  const events = await fetchFrom(fleet.proxy.address, "/events");
  expect(events.text).toBe("event\n".repeat(8));
});

test("a WebSocket handshake to a hanging coderd times out", async () => {
  await using fleet = await startFleet({ coderdSilenceMs: SILENCE_MS });
  fleet.upstream.server.removeAllListeners("upgrade").on("upgrade", (_request, opened) => {
    opened.on("end", () => opened.destroy()).resume();
  });
  const socket = new WebSocket(`ws://${fleet.proxy.address}/api/v2/x`);
  const error = await new Promise<Error>((resolve) => socket.once("error", resolve));
  expect(error.message).toContain("502");
});

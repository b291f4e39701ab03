import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { build, job, workspace } from "../testing/objects.js";
import { createTestCli } from "../testing/run.js";

const LINES = [1, 2, 3, 4, 5, 6].map((id) => ({
  id,
  created_at: `2026-11-24T09:00:0${id}.000Z`,
  log_source: "provisioner",
  log_level: "info",
  stage: "Starting workspace",
  output: `line ${id}`,
}));

/** What each successive stream does after it has sent messages up to `upTo`. */
type Meeting = { upTo: number; end(socket: WebSocket, raw: Socket): void };

/** A deployment that sends one build's log over streams that end like this. */
async function startTelling(meetings: Meeting[]) {
  const asked: (string | null)[] = [];
  let told = 0;
  const server = createServer((request, response) => {
    response.setHeader("Content-Type", "application/json");
    const over = told === LINES.length;
    const current = build({ job: job({ status: over ? "succeeded" : "running" }) });
    response.end(
      JSON.stringify(
        request.url!.includes("/workspacebuilds/") ? current : workspace({ latest_build: current }),
      ),
    );
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (socket, request) => {
    if (request.url!.includes("/workspaceagents/")) return socket.close(1000);
    const after = new URL(request.url!, "http://x").searchParams.get("after");
    const { upTo, end } = meetings[asked.length]!;
    asked.push(after);
    for (const entry of LINES)
      if (entry.id > Number(after ?? 0) && entry.id <= upTo) socket.send(JSON.stringify(entry));
    told = upTo;
    end(socket, request.socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const whole = { upTo: LINES.length, end: (socket: WebSocket) => socket.close(1000) };

test("a build log continues after its last line when the stream breaks, and ends with the build", async () => {
  await using cli = await createTestCli();
  await using deployment = await startTelling([
    { upTo: 2, end: (_socket, raw) => raw.destroySoon() },
    { upTo: 3, end: (socket) => socket.close(1012) },
    { upTo: 3, end: (socket) => socket.close(1011) },
    // A normal close, but the build continues, as when a proxy drains.
    { upTo: 4, end: (socket) => socket.close(1001) },
    whole,
  ]);
  const { status, stdout } = await cli.run([
    "--url",
    deployment.url,
    "--token",
    "0123456789-x",
    "logs",
    "dev",
    "--follow",
  ]);
  expect(status).toBe(0);
  expect(stdout.match(/line \d/g)).toEqual(LINES.map(({ output }) => output));
  expect(deployment.asked).toEqual([null, "2", "3", "3", "4"]);
});

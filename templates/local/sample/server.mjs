// The sample app of the template: a page, a health check, and a WebSocket that sends back what it hears.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { hostname } from "node:os";

const port = Number(process.env.PORT ?? 13337);
const escapeHtml = (text) => text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const greeting = escapeHtml(process.env.GREETING ?? "Hello");
const accent = /^#[0-9a-f]{6}$/i.test(process.env.ACCENT ?? "") ? process.env.ACCENT : "#2563eb";

const page = `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${greeting}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem }
  h1 { color: ${accent}; font-size: 2rem; margin: 0 }
  code, output { font-family: ui-monospace, monospace }
</style>
<h1>${greeting}</h1>
<p>This page is served by <code>~/sample/server.mjs</code> in the workspace <code>${escapeHtml(hostname())}</code>,
and reaches you through the workspace's own connection. Change the file, and restart the workspace.</p>
<p>WebSocket: <output id="state">connecting…</output></p>
<script>
  const state = document.getElementById("state");
  const socket = new WebSocket(new URL("ws", location.href.replace(/^http/, "ws")));
  socket.onopen = () => setInterval(() => socket.send(String(Date.now())), 1000);
  socket.onmessage = ({ data }) => { state.textContent = "echo in " + (Date.now() - Number(data)) + " ms"; };
  socket.onclose = () => { state.textContent = "closed"; };
</script></html>`;

const server = createServer((request, response) => {
  if (request.url === "/healthz") return response.end("ok");
  response.setHeader("content-type", "text/html; charset=utf-8");
  response.end(page);
});

// RFC 6455, as far as an echo of short text needs it.
server.on("upgrade", (request, socket) => {
  const key = request.headers["sec-websocket-key"];
  if (!key) return socket.destroy();
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pending = Buffer.alloc(0);
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    pending = Buffer.concat([pending, bytes]);
    while (pending.length >= 6) {
      const opcode = pending[0] & 15;
      const length = pending[1] & 127;
      if (length > 125 || opcode === 8) return socket.end(Buffer.from([0x88, 0]));
      if (pending.length < 6 + length) return;
      const mask = pending.subarray(2, 6);
      const payload = pending.subarray(6, 6 + length).map((byte, i) => byte ^ mask[i % 4]);
      pending = pending.subarray(6 + length);
      const reply = opcode === 9 ? 10 : opcode;
      if (opcode !== 10) socket.write(Buffer.concat([Buffer.from([0x80 | reply, length]), payload]));
    }
  });
});

server.on("error", ({ code }) => {
  const why = code === "EADDRINUSE" ? "something else listens there" : code;
  console.log(
    `The sample app cannot listen on port ${port}: ${why}. Choose another: coder restart <workspace> --parameter port=13338`,
  );
  process.exitCode = 1;
});
server.listen(port, "127.0.0.1", () => console.log(`The sample app listens on port ${port}`));

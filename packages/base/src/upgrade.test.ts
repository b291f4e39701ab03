import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { upgrade } from "./upgrade.js";

const SELF_SIGNED =
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=coder -addext subjectAltName=IP:127.0.0.1";

/** A deployment behind TLS that upgrades and echoes, and a forward proxy. */
async function serve() {
  const folder = mkdtempSync(join(tmpdir(), "upgrade-"));
  const [key, cert] = [join(folder, "key"), join(folder, "cert")];
  execFileSync("openssl", [...SELF_SIGNED.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" });
  const before = getCACertificates("default");
  setDefaultCACertificates([...before, readFileSync(cert, "utf8")]);
  const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) });
  server.on("upgrade", (request, socket) => {
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  const asked: string[] = [];
  const proxy = createHttpServer();
  proxy.on("connect", (request, socket) => {
    asked.push(request.url!);
    const [host, port] = request.url!.split(":");
    const onward = connect(Number(port), host);
    onward.once("connect", () => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const side of [socket, onward]) side.on("error", () => {});
  });
  for (const each of [server, proxy]) await once(each.listen(0, "127.0.0.1"), "listening");
  const portOf = (each: typeof proxy | typeof server) => (each.address() as AddressInfo).port;
  return {
    host: `127.0.0.1:${portOf(server)}`,
    proxyUrl: `http://127.0.0.1:${portOf(proxy)}`,
    asked,
    [Symbol.dispose]() {
      setDefaultCACertificates(before);
      for (const each of [server, proxy]) {
        each.closeAllConnections();
        each.close();
      }
      rmSync(folder, { recursive: true });
    },
  };
}

test.each([
  ["through the proxy of HTTPS_PROXY", "", true],
  ["directly, if NO_PROXY names the host", "127.0.0.1", false],
])("an upgrade over TLS goes %s", async (_how, noProxy, proxied) => {
  using deployment = await serve();
  const { HTTPS_PROXY, NO_PROXY } = process.env;
  Object.assign(process.env, { HTTPS_PROXY: deployment.proxyUrl, NO_PROXY: noProxy });
  try {
    const accessUrl = `https://${deployment.host}`;
    const socket = await upgrade({ accessUrl, path: "/rpc", protocol: "test/1", headers: {} });
    socket.end("to and fro");
    expect(await text(socket)).toBe("to and fro");
  } finally {
    Object.assign(process.env, { HTTPS_PROXY: HTTPS_PROXY ?? "", NO_PROXY: NO_PROXY ?? "" });
  }
  expect(deployment.asked).toEqual(proxied ? [deployment.host] : []);
});

import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { spawnableCli } from "../testing/process.js";
import { createTestCli } from "../testing/run.js";

const SELF_SIGNED =
  "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=coder -addext subjectAltName=IP:127.0.0.1";

test("a deployment with a certificate from the machine's own CA is trusted, and no other", async () => {
  await using cli = await createTestCli();
  const [key, cert] = [join(cli.folder, "key"), join(cli.folder, "cert")];
  execFileSync("openssl", [...SELF_SIGNED.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" });
  const server = createServer(
    { key: await readFile(key), cert: await readFile(cert) },
    (_request, response) =>
      response.writeHead(403, { "Content-Type": "application/json" }).end('{"message":"You were heard."}'),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { command, args, env } = spawnableCli(["--url", url, "--token", "t", "whoami"], cli.folder);
  const said = (more: Record<string, string>) =>
    new Promise<string>((resolve) => {
      execFile(command, args, { env: { ...env, ...more } as NodeJS.ProcessEnv }, (_error, _out, stderr) =>
        resolve(stderr),
      );
    });
  expect(await said({ SSL_CERT_FILE: cert })).toContain("You were heard.");
  expect(await said({})).toMatch(/self-signed certificate.*SSL_CERT_FILE/s);
  server.close();
});

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage } from "@fleet/base";
import { createProvider, encodedSchema } from "./provider.js";
import { selfSignedCertificate } from "./wire/certificate.js";
import { servePlugin } from "./wire/server.js";

/** Set by terraform to tell a plugin that terraform started it; a fixed value of its plugin protocol. */
const MAGIC_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";
const PARENT_POLL_MS = 1000;

/** The provider as an executable that terraform launches from a mirror, using go-plugin's handshake. */
async function main(env: NodeJS.ProcessEnv): Promise<void> {
  if (env.TF_PLUGIN_MAGIC_COOKIE !== MAGIC_COOKIE) {
    throw new Error(
      "This executable is a Terraform provider. Add it to a provider mirror; Terraform starts it.",
    );
  }
  const folder = mkdtempSync(join(tmpdir(), "tfp-"));
  const leave = () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(0);
  };
  process.on("SIGINT", () => {}); // Ctrl-C reaches the whole process group; terraform then tells plugins when to stop
  process.on("SIGTERM", leave);
  leaveWithParent(leave);

  const path = join(folder, "s");
  const own = env.PLUGIN_CLIENT_CERT ? selfSignedCertificate(Date.now()) : undefined;
  await servePlugin({
    handlers: createProvider({ env }),
    encodedSchema,
    path,
    // Exit at once: terraform waits two seconds for a plugin that does not.
    onShutdown: () => setImmediate(leave),
    ...(own ? { tls: { ...own, clientCertificate: env.PLUGIN_CLIENT_CERT! } } : {}),
  });
  // The certificate is base64 without padding: Go's RawStdEncoding rejects "=".
  const certificate = own ? own.der.toString("base64").replace(/=+$/, "") : "";
  process.stdout.write(`1|5|unix|${path}|grpc|${certificate}\n`);
}

/** A killed terraform shuts nothing down; its plugins are then reparented to another process. */
function leaveWithParent(leave: () => void): void {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) leave();
  }, PARENT_POLL_MS).unref();
}

main(process.env).catch((error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exit(1);
});

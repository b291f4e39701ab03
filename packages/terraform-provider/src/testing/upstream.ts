import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import type { Environment } from "../environment.js";
import { Provider } from "../gen/tfplugin5_pb.js";
import { PROVIDER_ADDRESS, PROVIDER_VERSION } from "../host.js";

export type ProviderClient = GrpcClient<(typeof Provider)["method"]>;

const MAGIC_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/** Upstream's own executable from the mirror in CODER_TEST_PROVIDER_MIRROR, undefined if there is none. */
export function upstreamExecutable(): string | undefined {
  const mirror = process.env.CODER_TEST_PROVIDER_MIRROR;
  if (!mirror) return undefined;
  const file = join(
    mirror,
    PROVIDER_ADDRESS,
    PROVIDER_VERSION,
    "linux_amd64",
    `terraform-provider-coder_v${PROVIDER_VERSION}`,
  );
  return existsSync(file) ? file : undefined;
}

/** Starts the executable as terraform would, without TLS. */
export async function launchUpstream(file: string, env: Environment) {
  const child = spawn(file, [], {
    env: { ...env, TF_PLUGIN_MAGIC_COOKIE: MAGIC_COOKIE, PLUGIN_PROTOCOL_VERSIONS: "5" },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const [handshake] = await Promise.race([
    createInterface(child.stdout)
      [Symbol.asyncIterator]()
      .next()
      .then(({ value }) => [value as string | undefined]),
    exited.then(() => [undefined]),
  ]);
  const [, , , path] = handshake?.split("|") ?? [];
  if (!path) throw new Error(`${file} did not say where it listens.`);
  const client = createGrpcClient(Provider, { address: `unix:${path}` });
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      child.kill("SIGKILL");
      await exited;
    },
  };
}

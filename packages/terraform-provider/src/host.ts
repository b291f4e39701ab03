import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Logger } from "@fleet/base";
import type { Environment } from "./environment.js";
import { createProvider, encodedSchema, type ProviderOptions } from "./provider.js";
import { servePlugin } from "./wire/server.js";

/** The provider's address in templates that name no registry, on Terraform. */
export const PROVIDER_ADDRESS = "registry.terraform.io/coder/coder";
/** The same on OpenTofu. */
const OPENTOFU_ADDRESS = "registry.opentofu.org/coder/coder";

/** The release of upstream's provider whose schema and behavior this one implements. */
export const PROVIDER_VERSION = "2.20.0";

export type HostOptions = {
  /** The build's CODER_* variables. Only the provider reads them: terraform need not have them. */
  readonly env: Environment;
  readonly logger?: Logger;
  /** See ProviderOptions. */
  readonly onPlanned?: ProviderOptions["onPlanned"];
  readonly onRead?: ProviderOptions["onRead"];
  /** Parent of the socket's private folder; short, since a socket path has at most 107 bytes. By default the system's. */
  readonly directory?: string;
};

export type HostedProvider = AsyncDisposable & {
  /** The value of TF_REATTACH_PROVIDERS for every terraform command of the build. */
  readonly reattach: string;
  /** Stops serving and removes the socket. */
  close(): Promise<void>;
};

/**
 * Serves the provider of one build from within this process, on a socket that only this user can open. Terraform then
 * starts no provider process, and needs no `init` for it.
 */
export async function hostProvider({
  env,
  logger,
  onPlanned,
  onRead,
  directory = tmpdir(),
}: HostOptions): Promise<HostedProvider> {
  const folder = await mkdtemp(join(directory, "tfp-"));
  let stop: (() => void) | undefined;
  const close = async () => {
    stop?.();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await chmod(folder, 0o700);
    const path = join(folder, "s");
    stop = await servePlugin({
      handlers: createProvider({ env, onPlanned, onRead, ...(logger ? { logger } : {}) }),
      encodedSchema,
      path,
      onShutdown: () => {},
    });
    return { reattach: reattachValue(path), close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** For both engines' registries. `Test` keeps terraform from stopping the process that the provider lives in. */
export function reattachValue(path: string): string {
  const provider = {
    Protocol: "grpc",
    ProtocolVersion: 5,
    Pid: process.pid,
    Test: true,
    Addr: { Network: "unix", String: path },
  };
  return JSON.stringify({ [PROVIDER_ADDRESS]: provider, [OPENTOFU_ADDRESS]: provider });
}

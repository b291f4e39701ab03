import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";
import { injectTraceContext } from "@fleet/telemetry";

export type CoderdClient = GrpcClient<(typeof ProvisionerDaemonService)["method"]>;

/** Credential of a daemon: a pre-shared key or a provisioner key. */
export type DaemonCredential = { psk: string } | { key: string };

/** Keepalive ping interval, and how long to wait for a reply before the connection counts as dead. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** Client of coderd's provisioner service. `address` is `host:port`. */
export function createCoderdClient(options: { address: string; credential: DaemonCredential }): CoderdClient {
  const metadata: Record<string, string> =
    "psk" in options.credential
      ? { "coder-provisioner-daemon-psk": options.credential.psk }
      : { "coder-provisioner-daemon-key": options.credential.key };
  return createGrpcClient(ProvisionerDaemonService, {
    address: options.address,
    metadata: () => injectTraceContext({ ...metadata }),
    channelOptions: {
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    },
  });
}

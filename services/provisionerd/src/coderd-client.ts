import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";
import { injectTraceContext } from "@fleet/telemetry";

export type CoderdClient = GrpcClient<(typeof ProvisionerDaemonService)["method"]>;

/** How a daemon proves who it is: one of the two. */
export type DaemonCredential = { psk: string } | { key: string };

/** coderd is asked for a sign of life this often, and counts as gone when it gives none in time. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** The client of coderd's provisioner service. `address` is `host:port`. */
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

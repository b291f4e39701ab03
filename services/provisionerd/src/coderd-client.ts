import { DAEMON_KEY_HEADER, DAEMON_PSK_HEADER, SESSION_HEADER } from "@fleet/base";
import { createGrpcClient, type GrpcClient } from "@fleet/proto-gen";
import { ProvisionerDaemonService } from "@fleet/proto-gen/provisioner";
import { injectTraceContext } from "@fleet/telemetry";

export type CoderdClient = GrpcClient<(typeof ProvisionerDaemonService)["method"]>;

/** Credential of a daemon: a pre-shared key, a provisioner key, or a user's session token. */
export type DaemonCredential = { psk: string } | { key: string } | { session: string };

/** The credential as headers of a request, or metadata of a call. */
export function headersOf(credential: DaemonCredential): Record<string, string> {
  if ("psk" in credential) return { [DAEMON_PSK_HEADER]: credential.psk };
  if ("key" in credential) return { [DAEMON_KEY_HEADER]: credential.key };
  return { [SESSION_HEADER]: credential.session };
}

/** Keepalive ping interval, and how long to wait for a reply before the connection counts as dead. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** Client of coderd's provisioner service. `address` is `host:port`, or that of a front door. */
export function createCoderdClient(options: { address: string; credential: DaemonCredential }): CoderdClient {
  const metadata = headersOf(options.credential);
  return createGrpcClient(ProvisionerDaemonService, {
    address: options.address,
    metadata: () => injectTraceContext({ ...metadata }),
    channelOptions: {
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    },
  });
}

import { isFleetError, PROVISIONER_RPC_PROTOCOL } from "@fleet/base";
import { trustSystemAuthorities } from "@fleet/base/trust";
import { upgrade } from "@fleet/base/upgrade";
import { createDialer } from "@fleet/proto-gen";
import { type DaemonCredential, headersOf } from "./coderd-client.js";

const PATH = "/api/v2/provisionerdaemons/rpc";

/** A local address that leads to coderd through the deployment's front door. */
export type FrontDoor = {
  /** As grpc-js writes it. */
  readonly address: string;
  /** Why coderd could not be reached, if the error of a call only says that it could not; otherwise the error. */
  explain(error: unknown): unknown;
  close(): void;
};

/**
 * Opens the way for a daemon outside the deployment's network: each gRPC connection is an HTTP/1.1 request to the access
 * URL that is upgraded, so that it passes load balancers and TLS endpoints that pass WebSockets.
 */
export async function openFrontDoor(options: {
  /** The deployment's URL, http or https. */
  accessUrl: string;
  /** Additional headers of the requests. */
  headers: Record<string, string>;
  credential: DaemonCredential;
}): Promise<FrontDoor> {
  const { accessUrl, credential } = options;
  if (accessUrl.startsWith("https:")) trustSystemAuthorities();
  const headers = { ...options.headers, ...headersOf(credential) };
  const dialer = await createDialer((signal) =>
    upgrade({ accessUrl, path: PATH, protocol: PROVISIONER_RPC_PROTOCOL, headers, signal }),
  );
  return {
    address: dialer.address,
    explain: (error) => (isFleetError(error, "unavailable") && dialer.failure) || error,
    close: () => dialer.close(),
  };
}

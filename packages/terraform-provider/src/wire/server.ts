import { FleetError } from "@fleet/base";
import { addService, type Handlers, MAX_MESSAGE_BYTES } from "@fleet/proto-gen";
import * as grpc from "@grpc/grpc-js";
import { GRPCBroker, GRPCController, GRPCStdio } from "../gen/goplugin_pb.js";
import { Health, HealthCheckResponse_ServingStatus } from "../gen/health_pb.js";
import { Provider } from "../gen/tfplugin5_pb.js";

export type ProviderHandlers = Handlers<(typeof Provider)["method"]>;

export type ServerOptions = {
  readonly handlers: ProviderHandlers;
  /** The encoded response to GetSchema, if it need not be built from the handler's. */
  readonly encodedSchema?: () => Buffer;
  /** Path of the unix socket; the kernel accepts at most 107 bytes. */
  readonly path: string;
  /** Set if the peer is not authenticated by the socket's folder alone. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientCertificate: string };
  /** Terraform is done with the plugin. */
  readonly onShutdown: () => void;
};

const MAX_SOCKET_PATH_BYTES = 107;

/** Serves the provider, and what go-plugin wants beside it, on a unix socket. Returns what closes it at once. */
export async function servePlugin(options: ServerOptions): Promise<() => void> {
  if (Buffer.byteLength(options.path) > MAX_SOCKET_PATH_BYTES) {
    const message = `The path ${options.path} is too long for a Unix socket. Use a shorter directory (TMPDIR by default).`;
    throw new FleetError("invalid_argument", message);
  }
  const server = new grpc.Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
  });
  addService(withEncodedSchema(server, options.encodedSchema), Provider, options.handlers);
  addService(server, GRPCController, {
    shutdown: async () => {
      options.onShutdown();
      return {};
    },
  });
  // Terraform opens these two and expects them to stay open. Nothing is sent on them.
  addService(server, GRPCStdio, { streamStdio: (_request, { signal }) => aborted(signal) });
  addService(server, GRPCBroker, { startStream: ({ signal }) => aborted(signal) });
  const serving = { status: HealthCheckResponse_ServingStatus.SERVING };
  addService(server, Health, {
    check: async () => serving,
    watch: async (_request, stream) => {
      await stream.send(serving);
      await aborted(stream.signal);
    },
  });
  await bind(server, options);
  return () => server.forceShutdown();
}

/** Responds to GetSchema with the cached bytes. */
function withEncodedSchema(
  server: grpc.Server,
  encoded: ServerOptions["encodedSchema"],
): Pick<grpc.Server, "addService"> {
  if (!encoded) return server;
  return {
    addService(definition, implementation) {
      const getSchema = { ...definition.getSchema!, responseSerialize: encoded };
      server.addService({ ...definition, getSchema }, implementation);
    },
  };
}

function bind(server: grpc.Server, { path, tls }: ServerOptions): Promise<void> {
  const credentials = tls
    ? grpc.ServerCredentials.createSsl(
        Buffer.from(tls.clientCertificate),
        [{ cert_chain: Buffer.from(tls.certificate), private_key: Buffer.from(tls.key) }],
        true,
      )
    : grpc.ServerCredentials.createInsecure();
  return new Promise((resolve, reject) => {
    server.bindAsync(`unix:${path}`, credentials, (error) => {
      if (!error) return resolve();
      const cause = { cause: error };
      reject(new FleetError("unavailable", `The provider could not listen on the socket ${path}.`, cause));
    });
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

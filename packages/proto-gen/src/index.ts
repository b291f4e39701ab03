export { type Bridge, createBridge, createDialer, type Dialer } from "./bridge.js";
export {
  type CallOptions,
  type ClientOptions,
  type ClientStream,
  createGrpcClient,
  type GrpcClient,
} from "./client.js";
export { MAX_MESSAGE_BYTES } from "./codec.js";
export { addService, type CallContext, type Handlers, type ServerStream } from "./server.js";

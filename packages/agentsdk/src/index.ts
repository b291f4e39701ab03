export {
  type AgentClient,
  type AgentConnection,
  type ConnectOptions,
  connectAgent,
  dialTunnel,
} from "./connection.js";
export { keepConnected, type ReconnectOptions } from "./reconnect.js";

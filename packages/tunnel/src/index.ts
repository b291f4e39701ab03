export { gatherWrites } from "./gather.js";
export type { StreamHeader, StreamKind } from "./header.js";
export { DEFAULT_LIMITS, MAX_FRAME_BYTES, type TunnelLimits } from "./limits.js";
export { isReset, type ResetReason, StreamReset } from "./reset.js";
export type { PendingStream, TunnelStream } from "./stream.js";
export {
  createTunnel,
  isTunnelClosed,
  type Tunnel,
  type TunnelCloseReason,
  type TunnelOptions,
  type TunnelStats,
} from "./tunnel.js";

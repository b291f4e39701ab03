export {
  openResumable,
  type ResumableConnection,
  type ResumableOptions,
} from "./client.js";
export type { ResumableLimits } from "./limits.js";
export {
  createResumableServer,
  type ResumableServer,
  type ResumableServerOptions,
  type ServedStream,
} from "./server.js";

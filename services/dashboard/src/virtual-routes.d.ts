declare module "virtual:routes" {
  import type { CallSpec } from "@fleet/sdk/browser";
  /** The contract's routes without schemas; vite.config.ts generates them from `@fleet/sdk` at build time. */
  export const routes: Record<string, CallSpec>;
}

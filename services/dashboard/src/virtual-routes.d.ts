declare module "virtual:routes" {
  import type { CallSpec } from "@fleet/sdk/browser";
  /** The contract's routes without their schemas: vite.config.ts makes them from `@fleet/sdk` when the page is built. */
  export const routes: Record<string, CallSpec>;
}

import { routes as contract, type RouteSpec } from "@fleet/sdk";
import { type CallSpec, callSpecOf } from "@fleet/sdk/browser";

/** What vite.config.ts gives the page as `virtual:routes`. */
export const routes: Record<string, CallSpec> = Object.fromEntries(
  Object.entries<RouteSpec>(contract).map(([name, route]) => [name, callSpecOf(route)]),
);

import { type CallSpec, callSpecOf } from "./calls.js";
import type { RouteSpec } from "./route.js";
import { routes } from "./routes/index.js";

/**
 * The contract's routes without their schemas, for the client. Builds of programs that load it at every start (the
 * dashboard, the command line) replace this module by its value, so that they contain no schemas.
 */
export const callSpecs: Record<string, CallSpec> = Object.fromEntries(
  Object.entries<RouteSpec>(routes).map(([name, route]) => [name, callSpecOf(route)]),
);

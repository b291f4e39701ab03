/**
 * The client without the contract's schemas, for a page that fetches its own code: it brings its list of routes, made by
 * `callSpecOf` when it is built. Types come from the package's main entry.
 */
export { type ErrorCode, FleetError, isFleetError } from "@fleet/base";
export { type CallSpec, callSpecOf, createCalls } from "./calls.js";
export { NoAnswer } from "./client-error.js";

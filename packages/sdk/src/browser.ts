/**
 * The client without the contract's schemas, for programs that load their code at every start: the dashboard's pages and
 * the command line. Their builds replace `call-specs.ts` by its value. Types come from the package's main entry.
 */
export { type ErrorCode, FleetError, isFleetError } from "@fleet/base";
export { BUILD_REASONS } from "./build-reasons.js";
export { callSpecs } from "./call-specs.js";
export { routeUrl } from "./calls.js";
export { createClient } from "./client.js";
export { codeOfHttpStatus, NoAnswer } from "./client-error.js";
export { fieldError, formFieldOf, REQUIRED, sentenceOf } from "./form-field.js";
export { versionOfNewWorkspace } from "./new-workspace.js";
export { nameOfHost, parseWorkspaceName, type WorkspaceName } from "./workspace-name.js";

export { type ErrorCode, FleetError, isFleetError } from "@fleet/base";
export { type Access, type Action, type Permission, permissionsOf, type Resource } from "./access.js";
export type { BuildReason } from "./build-reasons.js";
export { type ClientOptions, routeUrl } from "./calls.js";
export { type CallOptions, type CallResult, type Client, createClient } from "./client.js";
export { codeOfHttpStatus, NoAnswer } from "./client-error.js";
export type { Exchange } from "./client-socket.js";
export { DASHBOARD_PAGES, isDashboardPage } from "./dashboard-pages.js";
export { isFailureOf } from "./failure.js";
export { type FormField, fieldError, formFieldOf, REQUIRED, sentenceOf } from "./form-field.js";
export { createRouteMatcher, type NamedRoute, type RouteMatch, type RouteMatcher } from "./match.js";
export { versionOfNewWorkspace } from "./new-workspace.js";
export { type Chapters, openApiDocument } from "./openapi.js";
export {
  bodyLimit,
  type FailureFormat,
  fillPath,
  IDEMPOTENCY_KEY_HEADER,
  isIdempotent,
  isRaw,
  type Method,
  type PathParams,
  paramNames,
  type Raw,
  type Route,
  type RouteSpec,
  SCIM_MEDIA_TYPE,
  type Stream,
  upgrades,
} from "./route.js";
export { type RouteName, type Routes, routeChapters, routes } from "./routes/index.js";
export {
  parseBody,
  parseMessage,
  parseParams,
  parseQuery,
  type RouteBody,
  type RouteMessage,
  type RouteParams,
  type RouteQuery,
  type RouteResponse,
} from "./server.js";
export * from "./types/index.js";
export { nameOfHost, parseWorkspaceName, type WorkspaceName } from "./workspace-name.js";

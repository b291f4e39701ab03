export {
  type AppAddress,
  type AppTarget,
  formatLabel,
  formatPath,
  formatTarget,
  isAppPort,
  isName,
  MAX_LABEL,
  type PathApp,
  parseLabel,
  parsePath,
  parseTarget,
} from "./address.js";
export {
  confineSetCookie,
  DEPLOYMENT_COOKIES,
  isDeploymentCookie,
  PATH_APP_COOKIE,
  readCookie,
  readSessionCookie,
  SIGNED_APP_COOKIE,
  SIGNED_APP_QUERY,
  SUBDOMAIN_APP_COOKIE,
  stripDeploymentCookies,
} from "./cookies.js";
export {
  formatHost,
  formatHostPattern,
  type HostPattern,
  labelOf,
  parseHost,
  parseHostPattern,
  sharedCookieDomain,
} from "./host.js";
export { localPath, parseAppUrl } from "./redirect.js";
export {
  APP_TOKEN_SECONDS,
  type AppClaims,
  type AppTokenSession,
  type AppTokenVerifier,
  createAppTokenVerifier,
  generateAppKey,
  type JWK,
  signAppToken,
} from "./token.js";

import { FleetError } from "@fleet/base";
import { boolean, choice, list, parsed, text, url } from "@fleet/base/settings";

/** A JSON object of texts. */
function textsByName(value: string): Record<string, string> {
  let found: unknown;
  try {
    found = JSON.parse(value);
  } catch {
    found = undefined;
  }
  const valid =
    typeof found === "object" &&
    found !== null &&
    !Array.isArray(found) &&
    Object.values(found).every((each) => typeof each === "string");
  if (valid) return found as Record<string, string>;
  throw new FleetError("invalid_argument", 'must be a JSON object of strings, for example {"key":"value"}');
}

/** Settings of sessions' cookies and of the providers that users sign in with. */
export const signInSettings = {
  CODER_SECURE_AUTH_COOKIE: boolean({
    default: "false",
    help: "Set the Secure attribute on session cookies; always set if the access URL is https",
  }),
  CODER_SAMESITE_AUTH_COOKIE: choice({
    values: ["lax", "none"],
    default: "lax",
    help: "SameSite attribute of session cookies; none, for a dashboard in a frame of another site, requires Secure",
  }),
  CODER_HOST_PREFIX_COOKIE: boolean({
    default: "false",
    help: "Prefix session cookies with __Host-, so that no other host of the domain can set them; requires Secure, and users have to sign in again",
  }),

  CODER_OAUTH2_GITHUB_CLIENT_ID: text({
    help: "Client ID of the OAuth app that users sign in to GitHub with",
  }),
  CODER_OAUTH2_GITHUB_CLIENT_SECRET: text({
    secret: true,
    help: "Client secret of the OAuth app that users sign in to GitHub with",
  }),
  CODER_OAUTH2_GITHUB_DEVICE_FLOW: boolean({
    default: "false",
    help: "Sign in to GitHub with a code that users enter there, for deployments that GitHub cannot redirect to",
  }),
  CODER_OAUTH2_GITHUB_ALLOWED_ORGS: list({
    default: "",
    help: "GitHub organizations whose members may sign in",
  }),
  CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: list({
    default: "",
    help: "GitHub teams whose members may sign in, as organization/team; all members of the allowed organizations if unset",
  }),
  CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: boolean({
    default: "false",
    help: "Create an account for users who sign in with GitHub for the first time",
  }),
  CODER_OAUTH2_GITHUB_ALLOW_EVERYONE: boolean({
    default: "false",
    help: "Allow every GitHub user to sign in, instead of members of organizations",
  }),
  CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL: url({
    schemes: ["https", "http"],
    help: "URL of the GitHub Enterprise Server that users sign in with, instead of github.com",
  }),

  CODER_OIDC_ISSUER_URL: url({
    schemes: ["https", "http"],
    help: "Issuer of the OpenID Connect provider that users sign in with",
  }),
  CODER_OIDC_CLIENT_ID: text({ help: "Client ID of this deployment at the OpenID Connect provider" }),
  CODER_OIDC_CLIENT_SECRET: text({
    secret: true,
    help: "Client secret of this deployment at the OpenID Connect provider",
  }),
  CODER_OIDC_CLIENT_KEY_FILE: text({
    type: "path",
    help: "File of the PEM private key that authenticates this deployment to the OpenID Connect provider, instead of a client secret",
  }),
  CODER_OIDC_CLIENT_CERT_FILE: text({
    type: "path",
    help: "File of the PEM certificate of CODER_OIDC_CLIENT_KEY_FILE, for providers that identify the key by its certificate",
  }),
  CODER_OIDC_REDIRECT_URL: url({
    schemes: ["https", "http"],
    help: "Callback URL to send to the OpenID Connect provider instead of the access URL's /api/v2/users/oidc/callback",
  }),
  CODER_OIDC_SCOPES: list({
    default: "openid,profile,email",
    help: "Scopes to request from the OpenID Connect provider",
  }),
  CODER_OIDC_AUTH_URL_PARAMS: parsed({
    type: "json",
    parse: textsByName,
    default: '{"access_type":"offline"}',
    help: "Further parameters of the authorization request to the OpenID Connect provider, as a JSON object",
  }),
  CODER_OIDC_ALLOW_SIGNUPS: boolean({
    default: "true",
    help: "Create an account for users who sign in with OpenID Connect for the first time",
  }),
  CODER_OIDC_SIGNUPS_DISABLED_TEXT: text({
    help: "What to tell users who have no account if CODER_OIDC_ALLOW_SIGNUPS is false",
  }),
  CODER_OIDC_EMAIL_DOMAIN: list({
    default: "",
    help: "Email domains that may sign in with OpenID Connect; all if unset",
  }),
  CODER_OIDC_ALLOWED_GROUPS: list({
    default: "",
    help: "Groups whose members may sign in with OpenID Connect, after CODER_OIDC_GROUP_MAPPING; all users if unset. Requires CODER_OIDC_GROUP_FIELD",
  }),
  CODER_OIDC_IGNORE_EMAIL_VERIFIED: boolean({
    default: "false",
    help: "Accept email addresses that the OpenID Connect provider has not verified",
  }),
  CODER_OIDC_USERNAME_FIELD: text({
    default: "preferred_username",
    help: "Claim that usernames are derived from",
  }),
  CODER_OIDC_NAME_FIELD: text({ default: "name", help: "Claim that contains the full name" }),
  CODER_OIDC_EMAIL_FIELD: text({ default: "email", help: "Claim that contains the email address" }),
  CODER_OIDC_IGNORE_USERINFO: boolean({
    default: "false",
    help: "Read claims only from the ID token, not from the userinfo endpoint",
  }),
  CODER_OIDC_ACCESS_TOKEN_CLAIMS: boolean({
    default: "false",
    help: "Also read claims from the access token, which must be a JWT of the same issuer; requires CODER_OIDC_IGNORE_USERINFO",
  }),
  CODER_OIDC_SIGN_OUT: boolean({
    default: "false",
    help: "When users sign out, also end their session at the OpenID Connect provider, where the access URL's /login must be a post-logout redirect URI",
  }),
  CODER_OIDC_SIGN_IN_TEXT: text({
    default: "OpenID Connect",
    help: "Name of the OpenID Connect provider on the sign-in button",
  }),
  CODER_OIDC_ICON_URL: text({ help: "URL of the icon on the OpenID Connect sign-in button" }),
  CODER_DANGEROUS_OIDC_SKIP_ISSUER_CHECKS: boolean({
    default: "false",
    help: "Accept tokens and provider metadata whose issuer differs from CODER_OIDC_ISSUER_URL",
  }),
};

import { hostname } from "node:os";
import {
  address,
  boolean,
  choice,
  defineSettings,
  duration,
  integer,
  list,
  text,
  url,
  type ValuesOf,
} from "@fleet/base/settings";
import { serviceSettings } from "@fleet/telemetry";
import { appearanceSettings } from "./config-appearance.js";
import { idpSyncSettings } from "./config-idpsync.js";
import { notificationSettings } from "./config-notifications.js";
import { prebuildSettings } from "./config-prebuilds.js";
import { signInSettings } from "./config-sign-in.js";
import { externalAuthSetting } from "./externalauth/providers.js";

const declared = {
  CODER_ACCESS_URL: url({
    schemes: ["http", "https"],
    default: "http://127.0.0.1:3000",
    help: "External URL of the deployment, which users and workspaces connect to",
  }),
  CODER_WILDCARD_ACCESS_URL: text({
    default: "",
    help: "Wildcard hostname of workspace apps, for example *.apps.example.com; if unset, apps are only served by path",
  }),
  CODER_HTTP_ADDRESS: address({
    default: "127.0.0.1:3001",
    help: "Address to serve HTTP on, for the proxy to connect to",
  }),
  CODER_GRPC_ADDRESS: address({
    default: "127.0.0.1:3002",
    help: "Address to serve gRPC on, for provisionerd and the proxy to connect to",
  }),
  CODER_PG_CONNECTION_URL: url({
    schemes: ["postgres", "postgresql"],
    required: true,
    secret: true,
    help: "Postgres server, for example postgres://user:password@host/database",
  }),
  CODER_PG_CONN_MAX_OPEN: integer({ min: 2, default: "10", help: "Maximum number of Postgres connections" }),
  CODER_REDIS_URL: url({
    schemes: ["redis", "rediss"],
    required: true,
    secret: true,
    help: "Redis server, for example redis://:password@host:6379",
  }),
  CODER_REDIS_PREFIX: text({
    default: "coder",
    help: "Prefix of every key, queue and channel in Redis; must be the same for all services of a deployment",
  }),
  CODER_DRAIN_DELAY: duration({
    default: "0s",
    help: "How long to keep serving after a stop signal while reporting not ready, so that load balancers can stop sending traffic",
  }),
  CODER_PROVISIONER_DAEMON_PSK: text({
    secret: true,
    help: "Pre-shared key that provisioner daemons authenticate with",
  }),
  CODER_PROXY_SESSION_TOKEN: text({ secret: true, help: "Token that the primary proxy authenticates with" }),
  CODER_PROVISIONER_FORCE_CANCEL_INTERVAL: duration({
    default: "10m",
    help: "How long a canceled job has to stop before it is killed",
  }),
  CODER_TEMPLATE_CACHE: boolean({
    default: "true",
    help: "Store the modules and providers that the import of a template version installs, so that its builds need no registry",
  }),
  CODER_TEMPLATE_CACHE_ARCHIVE_MIB: integer({
    min: 1,
    max: 2048,
    default: "256",
    help: "Maximum size in MiB of a stored provider, or of a version's modules, compressed; a version with a larger one is installed by each daemon",
  }),
  CODER_TEMPLATE_CACHE_TOTAL_MIB: integer({
    min: 1,
    default: "10240",
    help: "Maximum size in MiB of all stored modules and providers, in Postgres",
  }),
  // Also sent to daemons: they stop a job whose updates are not acknowledged after half of this time, and have
  // killed it after three quarters.
  CODER_JOB_LOST_AFTER: duration({
    default: "60s",
    help: "Fail a running job after this long without a heartbeat from its daemon",
  }),
  CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: text({
    secret: true,
    help: "Comma-separated keys that encrypt Terraform states, external tokens and user secrets in the database, each the base64 of 32 random bytes; the first one encrypts, all decrypt",
  }),
  CODER_EXTERNAL_AUTH: externalAuthSetting,
  CODER_WORKSPACE_STATE_HISTORY: integer({
    min: 1,
    default: "100",
    help: "Number of builds of each workspace whose Terraform state is kept",
  }),
  CODER_SYSLOG_URL: url({
    schemes: ["udp", "tcp", "tls"],
    help: "Syslog server that receives audit and connection log entries, for example tls://logs.example.com:6514",
  }),
  CODER_AUDIT_LOGS_RETENTION: duration({
    default: "0",
    help: "How long audit log entries are kept, for example 365d; 0 keeps them forever",
  }),
  CODER_CONNECTION_LOGS_RETENTION: duration({
    default: "0",
    help: "How long connection log entries are kept, for example 90d; 0 keeps them forever",
  }),
  CODER_API_KEYS_RETENTION: duration({
    default: "7d",
    help: "How long expired API keys are kept, so that their users are told when they expired; 0 keeps them forever",
  }),
  CODER_WORKSPACE_AGENT_LOGS_RETENTION: duration({
    default: "7d",
    help: "How long the logs of agents of earlier builds are kept; 0 keeps them forever",
  }),
  CODER_SESSION_DURATION: duration({ default: "24h", help: "Lifetime of a browser session" }),
  CODER_DISABLE_SESSION_EXPIRY_REFRESH: boolean({
    default: "false",
    help: "Expire sessions after a fixed time instead of extending them on use",
  }),
  CODER_DEFAULT_TOKEN_LIFETIME: duration({
    default: "168h",
    help: "Default lifetime of API tokens, and lifetime of CLI sessions",
  }),
  CODER_MAX_TOKEN_LIFETIME: duration({ default: "876600h", help: "Maximum lifetime of API tokens" }),
  CODER_MAX_ADMIN_TOKEN_LIFETIME: duration({
    default: "876600h",
    help: "Maximum lifetime of API tokens of owners, if it is shorter than that of others",
  }),
  CODER_OAUTH2_PROVIDER_ENABLE: boolean({
    default: "true",
    help: "Let other apps sign users in and act on their behalf through OAuth2, if the user authorizes them",
  }),
  CODER_DEFAULT_OAUTH_REFRESH_LIFETIME: duration({
    default: "720h",
    help: "Lifetime of the refresh tokens of OAuth2 apps, counted anew each time one is used",
  }),
  CODER_DISABLE_PASSWORD_AUTH: boolean({ default: "false", help: "Disable password authentication" }),
  ...idpSyncSettings,
  CODER_SCIM_AUTH_HEADER: text({
    secret: true,
    help: "Token that an identity provider sends in the Authorization header to provision users and groups with SCIM at /scim/v2; if unset, SCIM is disabled",
  }),
  CODER_DISABLE_PATH_APPS: boolean({
    default: "false",
    help: "Disable path-based apps, which share the dashboard's origin",
  }),
  CODER_DISABLE_OWNER_WORKSPACE_ACCESS: boolean({
    default: "false",
    help: "Prevent owners from connecting to other users' workspaces",
  }),
  ...signInSettings,
  CODER_DISABLE_WORKSPACE_SHARING: boolean({
    default: "false",
    help: "Prevent users from sharing workspaces, and ignore existing shares",
  }),
  ...appearanceSettings,
  CODER_STRICT_TRANSPORT_SECURITY: integer({
    min: 0,
    default: "0",
    help: "max-age of the Strict-Transport-Security header in seconds; 0 disables it",
  }),
  CODER_SSH_KEYGEN_ALGORITHM: choice({
    values: ["ed25519", "ecdsa", "rsa4096"],
    default: "ed25519",
    help: "Algorithm of users' Git SSH keys",
  }),
  CODER_AWS_IDENTITY_CERTIFICATES: text({
    type: "path",
    help: "File of further PEM certificates that AWS signs instance identity documents with, for regions that are not built in",
  }),
  CODER_AZURE_IDENTITY_CERTIFICATES: text({
    type: "path",
    help: "File of further PEM certificates of authorities that Azure's attested documents come from; needed where www.microsoft.com and cacerts.digicert.com cannot be reached",
  }),
  CODER_GOOGLE_IDENTITY_KEYS_URL: url({
    schemes: ["http", "https"],
    default: "https://www.googleapis.com/oauth2/v3/certs",
    help: "URL of the public keys that Google signs instance identity tokens with",
  }),
  CODER_SSH_HOSTNAME_PREFIX: text({
    default: "coder.",
    help: "Prefix of SSH hostnames that coder config-ssh writes",
  }),
  CODER_WORKSPACE_HOSTNAME_SUFFIX: text({
    default: "coder",
    help: "Suffix of SSH hostnames that coder config-ssh writes",
  }),
  CODER_API_RATE_LIMIT: integer({
    default: "512",
    help: "Maximum number of API requests per minute and user; a negative number disables the limit, except for attempts to sign in and uploads",
  }),
  CODER_DANGEROUS_DISABLE_RATE_LIMITS: boolean({ default: "false", help: "Disable all rate limits" }),
  ...notificationSettings,
  ...prebuildSettings,
  CODER_AUTOBUILD_POLL_INTERVAL: duration({
    default: "1m",
    minMs: 1_000,
    help: "How often workspaces that are due to start, stop, become dormant or be deleted are looked for",
  }),
  CODER_QUIET_HOURS_DEFAULT_SCHEDULE: text({
    type: "cron",
    default: "CRON_TZ=UTC 0 0 * * *",
    help: "Default quiet hours schedule, during which required workspace stops happen",
  }),
  CODER_ALLOW_CUSTOM_QUIET_HOURS: boolean({
    default: "true",
    help: "Allow users to set their own quiet hours",
  }),
  CODER_HEALTH_CHECK_REFRESH: duration({ default: "10m", help: "How often health checks run" }),
  CODER_HEALTH_CHECK_THRESHOLD_DATABASE: duration({
    default: "15ms",
    help: "Database latency above which the health check reports a warning",
  }),
  ...serviceSettings,
  CODER_PROMETHEUS_COLLECT_AGENT_STATS: boolean({
    default: "false",
    help: "Export agent statistics and template usage as metrics",
  }),
  CODER_PROMETHEUS_AGGREGATE_AGENT_STATS_BY: list({
    values: ["agent_name", "template_name", "username", "workspace_name"],
    default: "agent_name,template_name,username,workspace_name",
    help: "Labels of the metrics of agent statistics; agents that share all of them are summed up",
  }),
  CODER_STATS_COLLECTION_USAGE_STATS_ENABLE: boolean({
    default: "true",
    help: "Collect how workspaces and apps are used, for insights, statistics and metrics",
  }),
  CODER_AGENT_STATS_REFRESH_INTERVAL: duration({
    default: "30s",
    help: "How often agents report statistics; at least a second",
  }),
  CODER_SITE_DIR: text({ type: "path", help: "Directory of the built dashboard" }),
  CODER_BIN_DIR: text({ type: "path", help: "Directory of the executables that are served at /bin" }),
  CODER_MIGRATIONS_DIR: text({
    type: "path",
    help: "Directory of the database migrations; if unset, none are applied",
  }),
  CODER_TEMPLATES_DIR: text({ type: "path", help: "Directory of the starter templates" }),
  CODER_SWAGGER_DIR: text({ type: "path", help: "Directory of the API documentation pages" }),
  CODER_REPLICA_HOSTNAME: text({
    default: hostname(),
    defaultHelp: "the host's name",
    help: "Name of this replica",
  }),
};

export const settings = defineSettings(
  "coderd: the API, the dashboard and the scheduler of a deployment",
  declared,
);

export type Config = ValuesOf<typeof declared>;

import { parseHostPattern } from "@fleet/app-url";
import {
  address,
  boolean,
  defineSettings,
  duration,
  list,
  text,
  url,
  type ValuesOf,
} from "@fleet/base/settings";
import { serviceSettings } from "@fleet/telemetry";

const declared = {
  CODER_HTTP_ADDRESS: address({ default: "127.0.0.1:3000", help: "Address to serve HTTP on" }),
  CODER_TLS_ENABLE: boolean({ default: "false", help: "Serve HTTPS as well" }),
  CODER_TLS_ADDRESS: address({ default: "127.0.0.1:3443", help: "Address to serve HTTPS on" }),
  CODER_TLS_CERT_FILE: text({ type: "path", help: "PEM file of the TLS certificate and its chain" }),
  CODER_TLS_KEY_FILE: text({ type: "path", help: "PEM file of the TLS certificate's private key" }),
  CODER_PROXY_CODERD_URL: url({
    schemes: ["http", "https"],
    required: true,
    help: "HTTP address of coderd, for example http://127.0.0.1:3001",
  }),
  CODER_PROXY_CODERD_ADDRESS: address({
    required: true,
    help: "gRPC address of coderd, for example 127.0.0.1:3002",
  }),
  CODER_PROXY_SESSION_TOKEN: text({
    required: true,
    secret: true,
    help: "Token that authenticates this proxy to coderd; create one with `coder wsproxy create`",
  }),
  CODER_ACCESS_URL: url({
    schemes: ["http", "https"],
    help: "URL of this regional proxy; unset for the deployment's own proxies",
  }),
  CODER_WILDCARD_ACCESS_URL: text({
    check: parseHostPattern,
    help: "Wildcard hostname of apps on this regional proxy, for example *.eu.apps.example.com",
  }),
  CODER_PROXY_RELAY_ADDRESS: address({
    help: "Address that other replicas of the proxy connect to; without it, this replica relays nothing",
  }),
  CODER_PROXY_RELAY_ADVERTISE_ADDRESS: address({
    help: "Relay address to announce to other replicas, if it differs from the one listened on",
  }),
  CODER_PROXY_SSH_ADDRESS: address({
    help: "Address to serve SSH on, for clients without the command line, for example 0.0.0.0:2222; unset to serve none",
  }),
  CODER_PROXY_SSH_ADVERTISE_ADDRESS: address({
    help: "Address that SSH clients connect to, if it is not the access URL's host and the port of CODER_PROXY_SSH_ADDRESS",
  }),
  CODER_PROXY_SSH_SESSIONS: boolean({
    default: "true",
    help: "Serve ssh WORKSPACE.USER@HOST as well, whose sessions this proxy decrypts; without it, SSH is encrypted from the client to the workspace (ssh -J)",
  }),
  CODER_PROXY_TRUSTED_ORIGINS: list({
    default: "",
    help: "CIDR ranges of load balancers whose headers name the client, also those of the PROXY protocol in front of SSH",
  }),
  CODER_PROXY_TRUSTED_HEADERS: list({
    default: "",
    help: "Headers of those load balancers that hold the client's address, for example X-Forwarded-For",
  }),
  CODER_DRAIN_DELAY: duration({
    default: "0s",
    help: "How long to keep serving after a stop signal while reporting not ready, so that load balancers can stop sending traffic",
  }),
  CODER_PROXY_DRAIN_TIMEOUT: duration({
    default: "30s",
    help: "How long to wait after that for open terminals, SSH sessions and downloads",
  }),
  ...serviceSettings,
  // The front door's port serves users; readiness is served on this one only.
  CODER_PROMETHEUS_ENABLE: boolean({
    default: "true",
    help: serviceSettings.CODER_PROMETHEUS_ENABLE.help,
  }),
};

export const settings = defineSettings(
  "proxy: the front door of a deployment, and the way to its workspaces",
  declared,
);

export type Config = ValuesOf<typeof declared>;

import { parseHostPattern } from "@fleet/app-url";
import { type FleetError, parseBoolean, parseDuration } from "@fleet/base";
import { z } from "zod";

const duration = z.string().transform((text, context) => {
  try {
    return parseDuration(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as FleetError).message });
    return z.NEVER;
  }
});
const flag = z.string().transform((text, context) => {
  const value = parseBoolean(text);
  if (value !== undefined) return value;
  context.addIssue({ code: "custom", message: `"${text}" is neither true nor false.` });
  return z.NEVER;
});
const list = z.string().transform((text) =>
  text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== ""),
);
const wildcard = z.string().transform((text, context) => {
  try {
    parseHostPattern(text);
    return text;
  } catch (error) {
    context.addIssue({ code: "custom", message: (error as FleetError).message });
    return z.NEVER;
  }
});
const httpUrl = z.url({ protocol: /^https?$/, error: "Write a URL like http://127.0.0.1:3001." });

/** What the proxy reads from its environment. */
export const configSchema = z.object({
  /** Where the front door listens. */
  CODER_HTTP_ADDRESS: z.string().default("127.0.0.1:3000"),
  /** Serve HTTPS as well, with the certificate and key below. */
  CODER_TLS_ENABLE: flag.default(false),
  CODER_TLS_ADDRESS: z.string().default("127.0.0.1:3443"),
  /** Paths of PEM files. */
  CODER_TLS_CERT_FILE: z.string().optional(),
  CODER_TLS_KEY_FILE: z.string().optional(),
  /** coderd's HTTP address: all that is not the proxy's own goes there. */
  CODER_PROXY_CODERD_URL: httpUrl,
  /** coderd's gRPC address, host:port. */
  CODER_PROXY_CODERD_ADDRESS: z.string({ error: "Write coderd's gRPC address as host:port." }),
  /** Proves to coderd that this is a proxy of the deployment. */
  CODER_PROXY_SESSION_TOKEN: z.string({ error: "Create one with `coder wsproxy create`." }),
  /** A regional proxy's own addresses; without them, the deployment's. */
  CODER_ACCESS_URL: httpUrl.optional(),
  CODER_WILDCARD_ACCESS_URL: wildcard.optional(),
  /** Where other replicas dial in, and how they name it when that differs. Without the first, nothing is relayed to here. */
  CODER_PROXY_RELAY_ADDRESS: z.string().optional(),
  CODER_PROXY_RELAY_ADVERTISE_ADDRESS: z.string().optional(),
  /** Load balancers (CIDR) whose headers tell who the client is, and the headers. */
  CODER_PROXY_TRUSTED_ORIGINS: list.default([]),
  CODER_PROXY_TRUSTED_HEADERS: list.default([]),
  /** Metrics and probes for the operator's tools. */
  CODER_PROMETHEUS_ADDRESS: z.string().default("127.0.0.1:2112"),
  /** How long a replica that was told to stop goes on serving, unready, until load balancers send to others. */
  CODER_DRAIN_DELAY: duration.default(0),
  /** How long a shutdown then waits for open terminals, SSH sessions and downloads. */
  CODER_PROXY_DRAIN_TIMEOUT: duration.default(30_000),
  /** Send OpenTelemetry traces, as the OTEL_* variables say. */
  CODER_TRACE_ENABLE: flag.default(false),
  /** Log debug lines too. */
  CODER_VERBOSE: flag.default(false),
});

export type Config = z.infer<typeof configSchema>;

import type { Environment } from "./environment.js";
import { parseUrl } from "./rules/url.js";
import { ConfigurationRefused } from "./schema/diagnostic.js";

/** Used if neither the template nor the build sets one, as in `terraform validate` on a laptop. */
const PLACEHOLDER = "https://mydeployment.coder.com";

/** The deployment's URL, as templates see it. */
export type AccessUrl = {
  /** As configured, its scheme in lower case. */
  readonly text: string;
  /** The root of the same host, with a trailing slash: where init scripts download from. */
  readonly root: string;
  readonly port: number;
};

export function defaultAccessUrl(env: Environment): string {
  return env.CODER_AGENT_URL || PLACEHOLDER;
}

/** Rejects anything but a URL; one without a host is accepted, since templates are validated without a deployment. */
export function parseAccessUrl(text: string): AccessUrl {
  if (text === "") {
    throw new ConfigurationRefused(`The access URL must not be empty. Set "url" or CODER_AGENT_URL.`, {
      path: ["url"],
    });
  }
  const parts = parseUrl(text);
  if (!parts) {
    throw new ConfigurationRefused(
      `"${text}" is not a valid access URL. Use a URL such as https://coder.example.com.`,
      { path: ["url"] },
    );
  }
  const { scheme, rest, port } = parts;
  const normal = scheme + text.slice(scheme.length);
  return {
    text: normal,
    root: `${normal.slice(0, normal.length - rest.length)}/`,
    port: port ? Number(port) : scheme === "https" ? 443 : 80,
  };
}

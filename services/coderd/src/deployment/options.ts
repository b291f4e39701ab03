import { type Config, settings } from "../config.js";

/** A setting as shown to clients: secrets are blank, durations are in nanoseconds. */
export type DeploymentOption = {
  name: string;
  description: string;
  flag: string;
  env: string;
  /** The key in `config`. */
  yaml: string;
  default: string;
  value: unknown;
  annotations: Record<string, string>;
};

/** The settings of this process. */
export function deploymentOptions(config: Config): DeploymentOption[] {
  return settings.show(config).map(({ env, help, default: fallback, value, secret }) => {
    const words = env.replace(/^CODER_/, "").split("_");
    return {
      name: words.map(titled).join(" "),
      description: help,
      flag: words.join("-").toLowerCase(),
      env,
      yaml: words.join("_").toLowerCase(),
      default: fallback,
      value,
      annotations: (secret ? { secret: "true" } : {}) as Record<string, string>,
    };
  });
}

const ACRONYMS = new Set(["URL", "HTTP", "GRPC", "PG", "PSK", "SSH", "API", "TTL"]);

function titled(word: string): string {
  return ACRONYMS.has(word) ? word : word.charAt(0) + word.slice(1).toLowerCase();
}

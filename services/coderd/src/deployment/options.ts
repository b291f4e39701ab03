import type { Config } from "../config.js";
import { DURATIONS, SECRETS } from "../config.js";

const NS_PER_MS = 1_000_000;

/** One setting as it is shown: a secret's value is blank, a duration is in nanoseconds. */
export type DeploymentOption = {
  name: string;
  flag: string;
  env: string;
  /** The key in `config`. */
  yaml: string;
  value: unknown;
  annotations: Record<string, string>;
};

/** The settings that this process runs with. */
export function deploymentOptions(config: Config): DeploymentOption[] {
  return Object.entries(config).map(([env, setting]) => {
    const words = env.replace(/^CODER_/, "").split("_");
    const secret = SECRETS.has(env);
    return {
      name: words.map(titled).join(" "),
      flag: words.join("-").toLowerCase(),
      env,
      yaml: words.join("_").toLowerCase(),
      value: secret ? "" : DURATIONS.has(env) ? (setting as number) * NS_PER_MS : (setting ?? ""),
      annotations: (secret ? { secret: "true" } : {}) as Record<string, string>,
    };
  });
}

const ACRONYMS = new Set(["URL", "HTTP", "GRPC", "PG", "PSK", "SSH", "API", "TTL"]);

function titled(word: string): string {
  return ACRONYMS.has(word) ? word : word.charAt(0) + word.slice(1).toLowerCase();
}

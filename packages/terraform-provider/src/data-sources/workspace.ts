import type { DataSource, ReadContext } from "../definition.js";
import type { Environment } from "../environment.js";
import { computed } from "../schema/block.js";
import { ConfigurationRefused } from "../schema/diagnostic.js";

/** The workspace that is being built. */
export const workspace: DataSource = {
  version: 1,
  block: {
    attributes: {
      access_port: computed.number(),
      access_url: computed.string(),
      id: computed.string(),
      is_prebuild: computed.bool(),
      is_prebuild_claim: computed.bool(),
      name: computed.string(),
      prebuild_count: computed.number(),
      start_count: computed.number(),
      template_id: computed.string(),
      template_name: computed.string(),
      template_version: computed.string(),
      transition: computed.string(),
    },
  },
  read: (_config, { env, accessUrl, newId }: ReadContext) => {
    const transition = env.CODER_WORKSPACE_TRANSITION || "start";
    const claimed = isTrue(env.CODER_WORKSPACE_IS_PREBUILD_CLAIM);
    const prebuild = isTrue(env.CODER_WORKSPACE_IS_PREBUILD) && !claimed;
    return {
      access_port: accessUrl.port,
      access_url: accessUrl.text,
      id: env.CODER_WORKSPACE_ID || newId(),
      is_prebuild: prebuild,
      is_prebuild_claim: claimed,
      name: env.CODER_WORKSPACE_NAME || "default",
      prebuild_count: prebuild ? 1 : 0,
      start_count: transition === "start" ? 1 : 0,
      template_id: templateFact(env, "CODER_WORKSPACE_TEMPLATE_ID"),
      template_name: templateFact(env, "CODER_WORKSPACE_TEMPLATE_NAME"),
      template_version: templateFact(env, "CODER_WORKSPACE_TEMPLATE_VERSION"),
      transition,
    };
  },
};

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}

/** A build has a template; a plan outside of a build (an import, a laptop) has none. */
function templateFact(env: Environment, variable: string): string {
  const value = env[variable] ?? "";
  if (value === "" && env.CODER_WORKSPACE_BUILD_ID) {
    throw new ConfigurationRefused(`${variable} is not set. It is required for workspace builds.`);
  }
  return value;
}

import { type DataSource, generatedId, type ReadContext } from "../definition.js";
import { secretEnvName, secretFileEnvName } from "../environment.js";
import { computed, optional, required } from "../schema/block.js";
import { ConfigurationRefused, refusal } from "../schema/diagnostic.js";
import { isUnknown, type Values } from "../wire/value.js";

/** A secret that the owner stores in the deployment, identified by its variable or file in the workspace. */
export const secret: DataSource = {
  version: 0,
  block: {
    attributes: {
      env: optional.string(),
      file: optional.string(),
      help_message: required.string(),
      id: generatedId,
      value: computed.string({ sensitive: true }),
    },
  },
  validate: ({ env, file }) => {
    if (isUnknown(env) || isUnknown(file)) return [];
    return (env === null) === (file === null) ? [refusal(`Set exactly one of "env" and "file".`)] : [];
  },
  read: (config, context) => ({ id: context.newId(), value: secretValue(config, context) }),
};

/** Only a workspace start requires the secret: imports and stops proceed without it. */
function secretValue({ env: variable, file, help_message: help }: Values, { env }: ReadContext): string {
  const value =
    typeof variable === "string" ? env[secretEnvName(variable)] : env[secretFileEnvName(String(file))];
  const needed = Boolean(env.CODER_WORKSPACE_BUILD_ID) && env.CODER_WORKSPACE_TRANSITION === "start";
  if (value === undefined && needed) {
    const which = typeof variable === "string" ? `variable ${variable}` : `file ${file}`;
    throw new ConfigurationRefused(
      `The workspace requires a secret for the ${which}, which is not stored yet.`,
      {
        detail: String(help),
        path: [typeof variable === "string" ? "env" : "file"],
      },
    );
  }
  return value ?? "";
}

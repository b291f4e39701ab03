import type { DataSource } from "../definition.js";
import { externalAuthEnvName } from "../environment.js";
import { notEmpty } from "../rules/checks.js";
import { computed, optional, required } from "../schema/block.js";

/** Asks the user to sign in to a provider before the workspace is built, and returns the resulting token. */
export const externalAuth: DataSource = {
  version: 1,
  block: {
    attributes: {
      access_token: computed.string({ sensitive: true }),
      id: required.string({ check: notEmpty }),
      optional: optional.bool(),
    },
  },
  read: ({ id }, { env }) => ({ access_token: env[externalAuthEnvName(String(id))] ?? "" }),
};

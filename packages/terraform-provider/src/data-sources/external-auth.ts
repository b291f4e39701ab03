import type { DataSource } from "../definition.js";
import { externalAuthEnvName } from "../environment.js";
import { notEmpty } from "../rules/checks.js";
import { computed, optional, required } from "../schema/block.js";

/** Asks the user to log in elsewhere before the workspace is built, and gives the token that comes of it. */
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

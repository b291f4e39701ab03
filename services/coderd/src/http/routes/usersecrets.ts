import type { UserSecrets } from "../../usersecrets/service.js";
import type { SecretRow } from "../../usersecrets/store.js";
import type { Handlers } from "../handler.js";

export function createUserSecretHandlers({ userSecrets }: { userSecrets: UserSecrets }) {
  return {
    userSecretList: async ({ actor, params }) => (await userSecrets.list(actor, params.user)).map(toSecret),
    userSecretGet: async ({ actor, params }) =>
      toSecret(await userSecrets.get(actor, params.user, params.secret)),

    userSecretCreate: async ({ actor, params, body }) =>
      toSecret(
        await userSecrets.create(actor, params.user, {
          name: body.name,
          ...fieldsOf(body),
          value: body.value,
        }),
      ),

    userSecretUpdate: async ({ actor, params, body }) =>
      toSecret(await userSecrets.update(actor, params.user, params.secret, fieldsOf(body))),

    userSecretDelete: async ({ actor, params }) => {
      await userSecrets.delete(actor, params.user, params.secret);
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

type Body = {
  value?: string | undefined;
  description?: string | undefined;
  env_name?: string | undefined;
  file_path?: string | undefined;
  enabled?: boolean | undefined;
};

/** The fields that are present. */
function fieldsOf({ env_name, file_path, description, enabled, value }: Body) {
  return {
    ...(description !== undefined && { description }),
    ...(env_name !== undefined && { envName: env_name }),
    ...(file_path !== undefined && { filePath: file_path }),
    ...(enabled !== undefined && { enabled }),
    ...(value !== undefined && { value }),
  };
}

function toSecret(row: SecretRow) {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    env_name: row.envName,
    file_path: row.filePath,
    enabled: row.enabled,
    created_at: row.createdAt.toISOString(),
    updated_at: row.updatedAt.toISOString(),
  };
}

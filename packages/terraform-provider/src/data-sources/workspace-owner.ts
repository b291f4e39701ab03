import type { DataSource } from "../definition.js";
import { computed } from "../schema/block.js";
import { ConfigurationRefused } from "../schema/diagnostic.js";

type Role = { name: string; org_id: string };

/** The user whose workspace is being built. */
export const workspaceOwner: DataSource = {
  version: 0,
  block: {
    attributes: {
      email: computed.string(),
      full_name: computed.string(),
      groups: computed.strings(),
      id: computed.string(),
      login_type: computed.string(),
      name: computed.string(),
      oidc_access_token: computed.string({ sensitive: true }),
      rbac_roles: computed.of(["list", ["object", { name: "string", org_id: "string" }]]),
      session_token: computed.string({ sensitive: true }),
      ssh_private_key: computed.string({ sensitive: true }),
      ssh_public_key: computed.string(),
    },
  },
  read: (_config, { env, newId }) => ({
    email: env.CODER_WORKSPACE_OWNER_EMAIL || "default@example.com",
    full_name: env.CODER_WORKSPACE_OWNER_NAME || "default",
    groups: parseGroups(env.CODER_WORKSPACE_OWNER_GROUPS),
    id: env.CODER_WORKSPACE_OWNER_ID || newId(),
    login_type: env.CODER_WORKSPACE_OWNER_LOGIN_TYPE || null,
    name: env.CODER_WORKSPACE_OWNER || "default",
    oidc_access_token: env.CODER_WORKSPACE_OWNER_OIDC_ACCESS_TOKEN ?? "",
    rbac_roles: parseRoles(env.CODER_WORKSPACE_OWNER_RBAC_ROLES),
    session_token: env.CODER_WORKSPACE_OWNER_SESSION_TOKEN ?? "",
    ssh_private_key: env.CODER_WORKSPACE_OWNER_SSH_PRIVATE_KEY ?? "",
    ssh_public_key: env.CODER_WORKSPACE_OWNER_SSH_PUBLIC_KEY ?? "",
  }),
};

function parseGroups(text: string | undefined): string[] {
  return parseList("CODER_WORKSPACE_OWNER_GROUPS", text, (item) =>
    typeof item === "string" ? item : undefined,
  );
}

function parseRoles(text: string | undefined): Role[] {
  return parseList("CODER_WORKSPACE_OWNER_RBAC_ROLES", text, (item) => {
    if (typeof item !== "object" || item === null) return undefined;
    const { name = "", org_id = "" } = item as Partial<Record<keyof Role, unknown>>;
    return typeof name === "string" && typeof org_id === "string" ? { name, org_id } : undefined;
  });
}

/** Parses a JSON array whose items all have the right shape. An unset variable and `null` mean an empty list. */
function parseList<T>(
  variable: string,
  text: string | undefined,
  parse: (item: unknown) => T | undefined,
): T[] {
  if (text === undefined) return [];
  const refused = (cause?: unknown) =>
    new ConfigurationRefused(`${variable} must be a JSON array.`, { cause });
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    throw refused(error);
  }
  if (list === null) return [];
  if (!Array.isArray(list)) throw refused();
  return list.map((item) => {
    const parsed = parse(item);
    if (parsed === undefined) throw refused();
    return parsed;
  });
}

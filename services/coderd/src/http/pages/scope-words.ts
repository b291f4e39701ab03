import { type Action, RESOURCE_ACTIONS, type Resource, scopeGrants } from "@fleet/rbac";

/** What each resource is called in a sentence such as "Workspaces: view, start". */
const NOUNS: Partial<Record<Resource, string>> = {
  api_key: "Your API tokens",
  file: "Uploaded template files",
  user: "User accounts",
  workspace_dormant: "Dormant workspaces",
  oauth2_app: "OAuth2 apps",
  oauth2_app_code_token: "OAuth2 authorizations",
  oauth2_app_secret: "OAuth2 app secrets",
};
const VERBS: Partial<Record<Action, string>> = {
  read: "view",
  update: "change",
  ssh: "connect over SSH",
  application_connect: "open apps and ports",
  read_personal: "view personal settings",
  update_personal: "change personal settings, including the password and SSH key",
  view_insights: "view usage statistics",
  create_agent: "add agents",
  delete_agent: "remove agents",
};

/** What a user grants with these scopes, a line for each resource; undefined: everything that they may do themselves. */
export function scopeWords(scopes: readonly string[]): string[] | undefined {
  const grants = scopeGrants(scopes);
  if (!grants) return undefined;
  return [...grants].map(([type, actions]) => `${nounOf(type)}: ${verbsOf(type, actions)}`);
}

function nounOf(type: Resource): string {
  const name = type.replaceAll("_", " ");
  return NOUNS[type] ?? `${name.charAt(0).toUpperCase()}${name.slice(1)}${name.endsWith("s") ? "" : "s"}`;
}

function verbsOf(type: Resource, actions: readonly Action[]): string {
  if (actions.length === RESOURCE_ACTIONS[type].length && actions.length > 3) return "full access";
  return actions.map((action) => VERBS[action] ?? action.replaceAll("_", " ")).join(", ");
}

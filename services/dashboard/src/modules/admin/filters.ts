import { client } from "../../api/client.js";
import type { FilterKey } from "../ui/filter.js";

const MOST = 8;

/** Names of users that contain the text. */
async function usernames(typed: string, signal: AbortSignal): Promise<string[]> {
  const { users } = await client.userList({ query: { q: typed, limit: MOST }, signal });
  return users.map(({ username }) => username);
}

async function organizations(_typed: string, signal: AbortSignal): Promise<string[]> {
  return (await client.organizationList({ signal })).map(({ name }) => name);
}

const ACTIONS = ["create", "write", "delete", "start", "stop", "login", "logout", "register"];
const RESOURCES = [
  "api_key",
  "group",
  "git_ssh_key",
  "oauth2_provider_app",
  "organization",
  "organization_member",
  "policy",
  "template",
  "template_rollout",
  "template_version",
  "user",
  "workspace",
  "workspace_build",
  "workspace_proxy",
];

/** Keys of `GET /api/v2/audit`. */
export const AUDIT_KEYS: FilterKey[] = [
  { key: "username", about: "Who made the change", values: usernames },
  { key: "action", about: "What was done", values: ACTIONS },
  { key: "resource_type", about: "What was changed", values: RESOURCES },
  { key: "resource_target", about: "Name of what was changed" },
  { key: "date_from", about: "From this day, such as 2026-01-31" },
  { key: "date_to", about: "To this day" },
  {
    key: "build_reason",
    about: "Why a workspace was built",
    values: ["initiator", "autostart", "autostop", "dormancy"],
  },
  { key: "organization", about: "In this organization", values: organizations },
  { key: "email", about: "Email of who made the change" },
];

/** Keys of `GET /api/v2/connectionlog`. */
export const CONNECTION_KEYS: FilterKey[] = [
  { key: "username", about: "Who connected", values: usernames },
  {
    key: "type",
    about: "How they connected",
    values: ["ssh", "vscode", "jetbrains", "reconnecting_pty", "port_forwarding", "workspace_app"],
  },
  { key: "status", about: "Open or ended", values: ["ongoing", "completed"] },
  { key: "workspace_owner", about: "Owner of the workspace", values: usernames },
  { key: "workspace", about: "Name of the workspace" },
  { key: "connected_after", about: "From this day, such as 2026-01-31" },
  { key: "connected_before", about: "Before this day" },
  { key: "organization", about: "In this organization", values: organizations },
];

/** Keys of `GET /api/v2/users`. */
export const USER_KEYS: FilterKey[] = [
  { key: "status", about: "Active, dormant or suspended", values: ["active", "dormant", "suspended"] },
  {
    key: "role",
    about: "Role of the deployment",
    values: ["owner", "user-admin", "template-admin", "auditor"],
  },
  { key: "login_type", about: "How they sign in", values: ["password", "oidc", "github", "none"] },
  { key: "service_account", about: "Service accounts", values: ["true", "false"] },
];

import { client } from "../../api/client.js";
import type { FilterKey } from "../ui/filter.js";
import { formatTerms, parseTerms } from "../ui/terms.js";

const MOST = 20;

async function usernames(typed: string, signal: AbortSignal): Promise<string[]> {
  const { users } = await client.userList({ query: { q: typed, limit: MOST }, signal });
  return ["me", ...users.map(({ username }) => username)];
}

const BOOLEANS = ["true", "false"];

/** The grammar of the workspaces' search (coderd's workspaces/query.ts). */
export const WORKSPACE_KEYS: readonly FilterKey[] = [
  {
    key: "status",
    about: "State of the workspace",
    values: [
      "running",
      "stopped",
      "failed",
      "pending",
      "starting",
      "stopping",
      "canceling",
      "canceled",
      "deleting",
    ],
  },
  {
    key: "template",
    about: "Name of the template",
    values: async (_, signal) => (await client.templateList({ signal })).map(({ name }) => name),
  },
  { key: "owner", about: "Username of the owner", values: usernames },
  { key: "name", about: "Part of the name" },
  {
    key: "organization",
    about: "Name of the organization",
    values: async (_, signal) => (await client.organizationList({ signal })).map(({ name }) => name),
  },
  { key: "outdated", about: "An update is available", values: BOOLEANS },
  { key: "dormant", about: "Not used for a long time", values: BOOLEANS },
  { key: "healthy", about: "All agents are connected", values: BOOLEANS },
  { key: "shared", about: "Shared with somebody", values: BOOLEANS },
  { key: "shared_with_user", about: "Shared with this user", values: usernames },
  { key: "shared_with_group", about: "Shared with this group" },
  {
    key: "has-agent",
    about: "Has an agent in this state",
    values: ["connected", "connecting", "disconnected", "timeout"],
  },
  { key: "has-external-agent", about: "Has an agent outside the deployment", values: BOOLEANS },
  { key: "last_used_before", about: "Last used before this time, such as 2026-01-31" },
  { key: "last_used_after", about: "Last used after this time" },
  { key: "param", about: "Has a parameter, or its value: param:region=eu" },
  { key: "id", about: "Ids, separated by commas" },
];

/** Whose workspaces are listed. */
export type Scope = "mine" | "shared" | "all";
const SCOPE_TERMS = { mine: "owner:me", shared: "shared_with_user:me", all: "" } as const;

/** Divides a search into the scope that it begins with and the rest. */
export function divideQuery(query: string): { scope: Scope; rest: string } {
  const terms = parseTerms(query);
  const texts = terms.map((term) => formatTerms([term]));
  for (const scope of ["mine", "shared"] as const) {
    const at = texts.indexOf(SCOPE_TERMS[scope]);
    if (at >= 0) return { scope, rest: formatTerms(terms.filter((_, index) => index !== at)) };
  }
  return { scope: "all", rest: formatTerms(terms) };
}

export function joinQuery(scope: Scope, rest: string): string {
  return [SCOPE_TERMS[scope], rest].filter(Boolean).join(" ");
}

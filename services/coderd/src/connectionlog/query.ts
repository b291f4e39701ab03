import { parseTerms, type SearchTerm, termMember, termTime, termUuid } from "../search/terms.js";

/** As upstream names them: in its API and in the log's rows. */
export const CONNECTION_TYPES = [
  "ssh",
  "vscode",
  "jetbrains",
  "reconnecting_pty",
  "port_forwarding",
  "workspace_app",
] as const;
export type ConnectionType = (typeof CONNECTION_TYPES)[number];

const STATUSES = ["ongoing", "completed"] as const;

export type ConnectionFilter = {
  organization?: string;
  workspaceId?: string;
  workspaceOwner?: string;
  workspaceOwnerEmail?: string;
  workspace?: string;
  type?: ConnectionType;
  username?: string;
  email?: string;
  after?: Date;
  before?: Date;
  connectionId?: string;
  status?: (typeof STATUSES)[number];
  /** Restricts the results to these organizations. */
  organizationIds?: readonly string[];
};

const FIELDS: Record<string, (term: SearchTerm) => ConnectionFilter> = {
  organization: ({ value }) => ({ organization: value }),
  workspace: ({ value }) => ({ workspace: value }),
  workspace_id: (term) => ({ workspaceId: termUuid(term) }),
  workspace_owner: ({ value }) => ({ workspaceOwner: value }),
  workspace_owner_email: ({ value }) => ({ workspaceOwnerEmail: value }),
  type: (term) => ({ type: termMember(term, CONNECTION_TYPES) }),
  username: ({ value }) => ({ username: value }),
  user_email: ({ value }) => ({ email: value }),
  connected_after: (term) => ({ after: termTime(term, "from") }),
  connected_before: (term) => ({ before: termTime(term, "to") }),
  connection_id: (term) => ({ connectionId: termUuid(term) }),
  status: (term) => ({ status: termMember(term, STATUSES) }),
};

const NAMES = ["username", "workspace_owner"];

/** Parses `key:value` pairs; bare words search the workspace's name. `me` is the user who asks. */
export function parseConnectionQuery(query: string, me: string): ConnectionFilter {
  const terms = parseTerms(query, Object.keys(FIELDS)).map(({ key, value }) => ({
    key,
    value: value === "me" && NAMES.includes(key) ? me : value,
  }));
  return Object.assign({}, ...terms.map((term) => FIELDS[term.key || "workspace"]!(term)));
}

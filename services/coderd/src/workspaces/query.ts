import { WORKSPACE_STATUSES, type WorkspaceStatus } from "../builds/status.js";
import { termMember, termUuid } from "../search/terms.js";
import { BadWorkspace } from "./errors.js";

export type AgentCondition = "connecting" | "connected" | "disconnected" | "timeout";

/** What the workspace list can be sorted by; a minus reverses it. */
export type WorkspaceOrder = "name" | "owner" | "template" | "status" | "last_used_at" | "created_at";
export type WorkspaceSort = WorkspaceOrder | `-${WorkspaceOrder}`;

/** Filters of the workspace list. */
export type WorkspaceFilter = {
  /** Substring of the name. */
  text?: string;
  name?: string;
  /** A username or id, or `me`. */
  owner?: string;
  template?: string;
  templateId?: string;
  organization?: string;
  ids?: string[];
  status?: WorkspaceStatus;
  outdated?: boolean;
  dormant?: boolean;
  healthy?: boolean;
  shared?: boolean;
  /** A username or id, or `me`: shared with that user. */
  sharedWithUser?: string;
  /** `<organization>/<group>`, a group of the default organization, or an id: shared with that group. */
  sharedWithGroup?: string;
  hasAgent?: AgentCondition;
  hasExternalAgent?: boolean;
  lastUsedBefore?: Date;
  lastUsedAfter?: Date;
  /** Parameter values of the latest build; an undefined value matches any value. */
  parameters: { name: string; value: string | undefined }[];
};

const AGENT_CONDITIONS: readonly AgentCondition[] = ["connecting", "connected", "disconnected", "timeout"];
/** Maximum characters per query. */
const QUERY_LIMIT = 2_000;

/**
 * Parses the workspace search query: space-separated `key:value` pairs, with double quotes around values that contain
 * spaces, and bare words for the name; `owner/name` matches one workspace. Throws for unknown keys or syntax.
 */
export function parseWorkspaceQuery(query: string): WorkspaceFilter {
  if (query.length > QUERY_LIMIT) throw new BadWorkspace("q", "The search is too long.");
  const filter: WorkspaceFilter = { parameters: [] };
  const words: string[] = [];
  for (const token of query.match(/(?:[^\s"]|"[^"]*")+/g) ?? []) {
    const colon = token.indexOf(":");
    if (colon < 0) words.push(unquote(token));
    else setField(filter, token.slice(0, colon).toLowerCase(), unquote(token.slice(colon + 1)));
  }
  const text = words.join(" ");
  const slash = text.indexOf("/");
  if (slash > 0) {
    filter.owner = text.slice(0, slash);
    filter.name = text.slice(slash + 1);
  } else if (text) filter.text = text;
  return filter;
}

function setField(filter: WorkspaceFilter, key: string, value: string): void {
  switch (key) {
    case "owner":
    case "name":
    case "template":
    case "organization":
      filter[key] = value;
      return;
    case "template-ids":
    case "template_id":
      filter.templateId = termUuid({ key, value });
      return;
    case "id":
    case "ids":
      filter.ids = value.split(",").map((id) => termUuid({ key, value: id.trim() }));
      return;
    case "shared_with_user":
    case "shared-with-user":
      filter.sharedWithUser = value;
      return;
    case "shared_with_group":
    case "shared-with-group":
      filter.sharedWithGroup = value;
      return;
    case "status":
      filter.status = termMember({ key, value }, WORKSPACE_STATUSES);
      return;
    case "has-agent":
      filter.hasAgent = termMember({ key, value }, AGENT_CONDITIONS);
      return;
    case "has-external-agent":
    case "has_external_agent":
      filter.hasExternalAgent = termMember({ key, value }, ["true", "false"]) === "true";
      return;
    case "outdated":
    case "dormant":
    case "healthy":
    case "shared":
      filter[key] = termMember({ key, value }, ["true", "false"]) === "true";
      return;
    case "last_used_before":
      filter.lastUsedBefore = time(key, value);
      return;
    case "last_used_after":
      filter.lastUsedAfter = time(key, value);
      return;
    case "param": {
      const equals = value.indexOf("=");
      filter.parameters.push(
        equals < 0
          ? { name: value, value: undefined }
          : { name: value.slice(0, equals), value: value.slice(equals + 1) },
      );
      return;
    }
    default:
      throw new BadWorkspace(
        "q",
        `"${key}" is not a valid search key. Valid keys: owner, name, template, organization, status, has-agent, has-external-agent, outdated, dormant, healthy, shared, shared_with_user, shared_with_group, id, last_used_before, last_used_after, param. Plain text is also allowed.`,
      );
  }
}

function unquote(text: string): string {
  return text.replaceAll('"', "");
}

function time(key: string, value: string): Date {
  const date = new Date(value);
  if (!Number.isNaN(date.getTime())) return date;
  throw new BadWorkspace(
    "q",
    `"${value}" is not a valid ${key}. Use an RFC 3339 timestamp such as 2026-01-31T00:00:00Z.`,
  );
}

import { FleetError, isUuid } from "@fleet/base";

export type AuditFilter = {
  resourceType?: string;
  resourceId?: string;
  target?: string;
  action?: string;
  username?: string;
  email?: string;
  from?: Date;
  to?: Date;
  buildReason?: string;
  organization?: string;
  requestId?: string;
  /** Restricts the results to these organizations. */
  organizationIds?: readonly string[];
};

const DAY_MS = 24 * 3_600_000;

/** Parses `key:value` pairs; bare words search the target. A date without a time means the whole day, in UTC. */
export function parseAuditQuery(query: string): AuditFilter {
  const filter: AuditFilter = {};
  for (const part of query.match(/(?:[^\s"]+|"[^"]*")+/g) ?? []) {
    const colon = part.indexOf(":");
    const key = colon < 0 ? "resource_target" : part.slice(0, colon).toLowerCase();
    const value = part.slice(colon + 1).replaceAll('"', "");
    switch (key) {
      case "resource_type":
        filter.resourceType = value.toLowerCase();
        break;
      case "resource_id":
        filter.resourceId = uuid(key, value);
        break;
      case "resource_target":
        filter.target = value;
        break;
      case "action":
        filter.action = value.toLowerCase();
        break;
      case "username":
        filter.username = value;
        break;
      case "email":
        filter.email = value;
        break;
      case "date_from":
        filter.from = date(key, value);
        break;
      case "date_to":
        filter.to = new Date(date(key, value).getTime() + (value.includes("T") ? 0 : DAY_MS - 1));
        break;
      case "build_reason":
        filter.buildReason = value;
        break;
      case "organization":
        filter.organization = value;
        break;
      case "request_id":
        filter.requestId = uuid(key, value);
        break;
      default:
        throw invalid(
          `"${key}" is not a valid search key. Valid keys: resource_type, resource_id, resource_target, action, username, email, date_from, date_to, build_reason, organization, request_id.`,
        );
    }
  }
  return filter;
}

function uuid(key: string, value: string): string {
  if (isUuid(value)) return value;
  throw invalid(`"${value}" is not a valid ${key}. Use a UUID.`);
}

function date(key: string, value: string): Date {
  const at = new Date(value);
  if (/^\d{4}-\d{2}-\d{2}(?:T.*)?$/.test(value) && !Number.isNaN(at.getTime())) return at;
  throw invalid(`"${value}" is not a valid ${key}. Use a date such as 2026-01-31 or an RFC 3339 timestamp.`);
}

function invalid(detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field: "q", detail }] });
}

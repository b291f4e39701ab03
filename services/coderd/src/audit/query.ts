import { parseTerms, type SearchTerm, termTime, termUuid } from "../search/terms.js";

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

const FIELDS: Record<string, (term: SearchTerm) => AuditFilter> = {
  resource_type: ({ value }) => ({ resourceType: value.toLowerCase() }),
  resource_id: (term) => ({ resourceId: termUuid(term) }),
  resource_target: ({ value }) => ({ target: value }),
  action: ({ value }) => ({ action: value.toLowerCase() }),
  username: ({ value }) => ({ username: value }),
  email: ({ value }) => ({ email: value }),
  date_from: (term) => ({ from: termTime(term, "from") }),
  date_to: (term) => ({ to: termTime(term, "to") }),
  build_reason: ({ value }) => ({ buildReason: value }),
  organization: ({ value }) => ({ organization: value }),
  request_id: (term) => ({ requestId: termUuid(term) }),
};

/** Parses `key:value` pairs; bare words search the target. */
export function parseAuditQuery(query: string): AuditFilter {
  const terms = parseTerms(query, Object.keys(FIELDS));
  return Object.assign({}, ...terms.map((term) => FIELDS[term.key || "resource_target"]!(term)));
}

import { type FieldViolation, FleetError, isUuid } from "@fleet/base";
import { patternFault } from "@fleet/parameters/re2";

/** Which values of a claim give which ids or role names. */
export type Mapping = Readonly<Record<string, readonly string[]>>;

/** Which organizations a user is in. An empty field turns the synchronization off. */
export type OrganizationSync = {
  /** The claim, or a path to it. */
  field: string;
  /** Claim value → organization ids. */
  mapping: Mapping;
  /** Whether everybody is in the default organization, whatever the claims say. */
  assignDefault: boolean;
};

/** Which groups of an organization a member is in. An empty field turns the synchronization off. */
export type GroupSync = {
  field: string;
  /** Claim value → group ids. */
  mapping: Mapping;
  /** Only claim values that match count. */
  regexFilter: string | null;
  /** Whether a value that is not mapped and names no group creates one. */
  autoCreate: boolean;
  /** Claim value → group name, from the server's configuration. */
  nameMapping: Readonly<Record<string, string>>;
};

/** Which roles a member has in an organization. An empty field turns the synchronization off. */
export type RoleSync = { field: string; mapping: Mapping };

/** Which site roles a user has: from the server's configuration only. */
export type SiteRoleSync = RoleSync & { defaults: readonly string[] };

/** One claim value and what it gives. */
export type MappingEntry = { given: string; gets: string };
export type MappingChange = { add: readonly MappingEntry[]; remove: readonly MappingEntry[] };

/** Maximum claim values in a mapping, and ids or roles that one of them gives. */
export const MAX_MAPPED = 1_000;

export const NO_GROUP_SYNC: GroupSync = {
  field: "",
  mapping: {},
  regexFilter: null,
  autoCreate: false,
  nameMapping: {},
};
export const NO_ROLE_SYNC: RoleSync = { field: "", mapping: {} };

/** The mapping with entries removed and then added. Entries that are not there are ignored. */
export function changeMapping(mapping: Mapping, { add, remove }: MappingChange): Mapping {
  const changed = new Map(Object.entries(mapping).map(([given, gets]) => [given, new Set(gets)]));
  for (const { given, gets } of remove) {
    const held = changed.get(given);
    held?.delete(gets);
    if (held?.size === 0) changed.delete(given);
  }
  for (const { given, gets } of add) {
    const held = changed.get(given) ?? new Set();
    changed.set(given, held.add(gets));
  }
  return Object.fromEntries([...changed].map(([given, gets]) => [given, [...gets]]));
}

/** @throws invalid_argument for too many entries, or one that is not an id where ids are mapped. */
export function checkMapping(mapping: Mapping, gives: "id" | "role"): void {
  const entries = Object.entries(mapping);
  if (entries.length > MAX_MAPPED || entries.some(([, gets]) => gets.length > MAX_MAPPED)) {
    throw invalid({
      field: "mapping",
      detail: `A mapping has at most ${MAX_MAPPED} values, each with as many targets.`,
    });
  }
  const wrong = gives === "id" ? entries.flatMap(([, gets]) => gets).find((id) => !isUuid(id)) : undefined;
  if (wrong !== undefined) throw invalid({ field: "mapping", detail: `"${wrong}" is not an ID.` });
}

/** @throws invalid_argument for a pattern that is not valid. */
export function checkFilter(pattern: string | null): void {
  const fault = pattern === null ? undefined : patternFault(pattern);
  if (fault) throw invalid({ field: "regex_filter", detail: fault });
}

function invalid(violation: FieldViolation): FleetError {
  return new FleetError("invalid_argument", violation.detail, { validations: [violation] });
}

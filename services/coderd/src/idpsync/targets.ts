import { matches } from "@fleet/parameters/re2";
import { type Claims, claimAt, claimValues } from "./claims.js";
import type { GroupSync, Mapping, OrganizationSync, RoleSync, SiteRoleSync } from "./settings.js";

/** Groups by id, and groups by name. */
export type GroupTargets = { ids: Set<string>; names: Set<string> };

const mapped = (mapping: Mapping, value: string) =>
  Object.hasOwn(mapping, value) ? mapping[value]! : undefined;

function valuesOf(claims: Claims, field: string, ...mappings: readonly object[]): string[] {
  const whole = new Set(mappings.flatMap((mapping) => Object.keys(mapping)));
  return claimValues(claimAt(claims, field), whole);
}

/** Ids of the organizations that the claims give. A value that is not mapped gives none. */
export function organizationTargets(sync: OrganizationSync, claims: Claims): Set<string> {
  const values = valuesOf(claims, sync.field, sync.mapping);
  return new Set(values.flatMap((value) => mapped(sync.mapping, value) ?? []));
}

/** The groups that the claims give. A value that is not mapped is the name of a group. */
export function groupTargets(sync: GroupSync, claims: Claims): GroupTargets {
  const { field, mapping, nameMapping, regexFilter } = sync;
  const targets: GroupTargets = { ids: new Set(), names: new Set() };
  for (const value of valuesOf(claims, field, mapping, nameMapping)) {
    if (regexFilter !== null && !matches(regexFilter, value)) continue;
    const ids = mapped(mapping, value);
    const name = Object.hasOwn(nameMapping, value) ? nameMapping[value]! : value;
    if (ids) for (const id of ids) targets.ids.add(id);
    else if (name !== "") targets.names.add(name);
  }
  return targets;
}

/** The roles that the claims give, of those that exist. A value that is not mapped is the name of a role. */
export function roleTargets(
  sync: RoleSync | SiteRoleSync,
  claims: Claims,
  existing: ReadonlySet<string>,
): { roles: string[]; unknown: string[] } {
  const values = valuesOf(claims, sync.field, sync.mapping);
  const named = new Set(values.flatMap((value) => mapped(sync.mapping, value) ?? [value]));
  if ("defaults" in sync) for (const role of sync.defaults) named.add(role);
  const roles = [...named].filter((role) => existing.has(role)).sort();
  return { roles, unknown: [...named].filter((role) => role !== "" && !existing.has(role)) };
}

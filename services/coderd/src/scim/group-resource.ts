import { ScimError } from "./errors.js";
import type { Values } from "./evaluate.js";
import type { GroupRecord } from "./groups-store.js";
import { SCHEMA } from "./schema.js";
import { versionOf } from "./user-resource.js";

/** Maximum length of a group's name in the API's paths, in characters. */
const MAX_NAME = 32;

export const displayNameOf = ({ displayName, name }: { displayName: string; name: string }) =>
  displayName || name;

/** The resource. Without members if they were not read; with a version if their digest was. */
export function toGroupResource(
  record: GroupRecord,
  base: string,
  members: readonly string[] | undefined,
  digest?: string,
): Values {
  const meta = {
    resourceType: "Group",
    created: record.createdAt.toISOString(),
    lastModified: record.updatedAt.toISOString(),
    location: `${base}/Groups/${record.id}`,
  };
  const resource = {
    schemas: [SCHEMA.group],
    id: record.id,
    ...(record.scimExternalId === null ? {} : { externalId: record.scimExternalId }),
    displayName: displayNameOf(record),
  };
  const version = digest === undefined ? {} : { version: versionOf([resource, meta, digest]) };
  return {
    ...resource,
    ...(members && members.length > 0
      ? { members: members.map((id) => ({ value: id, $ref: `${base}/Users/${id}`, type: "User" })) }
      : {}),
    meta: { ...meta, ...version },
  };
}

export function writableOfGroup(record: GroupRecord): Values {
  return {
    displayName: displayNameOf(record),
    ...(record.scimExternalId === null ? {} : { externalId: record.scimExternalId }),
  };
}

/** The name that a group gets in the API: its display name as far as a name may contain it, and a number if it is taken. */
export function groupNameFrom(displayName: string, taken: ReadonlySet<string>): string {
  const base =
    displayName
      .normalize("NFKD")
      .replace(/\p{Mark}/gu, "")
      .replace(/[^a-zA-Z0-9]+/g, "-")
      .replace(/^-+/, "")
      .slice(0, MAX_NAME)
      .replace(/-+$/, "") || "group";
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? "" : `-${number}`;
    const name = `${base.slice(0, MAX_NAME - suffix.length).replace(/-+$/, "")}${suffix}`;
    if (!taken.has(name.toLowerCase()) && name.toLowerCase() !== "everyone") return name;
  }
}

/** @throws ScimError invalidValue without a display name. */
export function requireDisplayName({ displayName }: Values): string {
  if (typeof displayName !== "string" || !displayName.trim())
    throw new ScimError("invalidValue", '"displayName" is required.');
  return displayName;
}

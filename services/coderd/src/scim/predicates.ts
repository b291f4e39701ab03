import type { Database } from "../database/client.js";
import type { Prisma } from "../database/gen/client.js";

/** Users that a SCIM client sees: people, except those that it has deleted. Service accounts have no email address. */
export const VISIBLE = {
  deleted: false,
  isSystem: false,
  email: { not: "" },
  NOT: { scimDeletedAt: { not: null }, status: "suspended" },
} satisfies Prisma.UserWhereInput;

/** Excludes the group of all members, which has its organization's id. */
export const NOT_EVERYONE = (db: Database) => ({ NOT: { id: { equals: db.group.fields.organizationId } } });

/** Groups that a SCIM client sees: those of the default organization, without Everyone. */
export const seenGroups = (db: Database) => ({
  ...NOT_EVERYONE(db),
  organization: { isDefault: true, deleted: false },
});

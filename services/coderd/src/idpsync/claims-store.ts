import type { Database } from "../database/client.js";
import { type Claims, claimAt, claimValues } from "./claims.js";

/** Maximum names or values returned: more than a form can offer. */
const MAX_OFFERED = 1_000;
/** Users whose claims are looked at, those who signed in last. */
const MAX_USERS = 2_000;

/** Reads the claims that users had at their last sign-in, to offer them in forms. */
export type ClaimStore = {
  /** Names of claims, in order; of the organization's members if one is named. */
  fields(organizationId?: string): Promise<string[]>;
  /** Values of the claim, in order. */
  values(field: string, organizationId?: string): Promise<string[]>;
};

export function createClaimStore(db: Database): ClaimStore {
  async function claims(organizationId: string | undefined): Promise<Claims[]> {
    const rows = await db.$queryRaw<{ claims: Claims }[]>`
      SELECT l.claims FROM user_links l JOIN users u ON u.id = l.user_id
      WHERE NOT u.deleted AND l.login_type = 'oidc' AND (${organizationId ?? null}::uuid IS NULL OR EXISTS (
        SELECT 1 FROM organization_members m
        WHERE m.user_id = u.id AND m.organization_id = ${organizationId ?? null}::uuid))
      ORDER BY u.last_seen_at DESC LIMIT ${MAX_USERS}`;
    return rows.map((row) => row.claims);
  }
  const sorted = (found: Iterable<string>) => [...new Set(found)].sort().slice(0, MAX_OFFERED);

  return {
    fields: async (organizationId) =>
      sorted((await claims(organizationId)).flatMap((one) => Object.keys(one))),
    values: async (field, organizationId) =>
      sorted((await claims(organizationId)).flatMap((one) => claimValues(claimAt(one, field)))),
  };
}

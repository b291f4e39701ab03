import type { Clock } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import { hashToken, sameHash } from "../auth/tokens.js";
import type { GroupStore } from "../groups/store.js";
import type { EffectiveSettings } from "../idpsync/effective.js";
import type { OrganizationStore } from "../organizations/store.js";
import type { UserStore } from "../users/store.js";
import { createScimGroups, type ScimGroups } from "./groups.js";
import type { ScimGroupStore } from "./groups-store.js";
import { createScimQueries, type ScimQueries } from "./query.js";
import { createScimUsers, type ScimUsers } from "./users.js";
import type { ScimUserStore } from "./users-store.js";

/** Provisioning of users and groups by an identity provider: SCIM 2.0 (RFC 7643, RFC 7644). */
export type Scim = {
  /** False if no token is configured. */
  readonly enabled: boolean;
  /** Whether the Authorization header has the configured token, with or without "Bearer". Compares in constant time. */
  admits(authorization: string | undefined): boolean;
  readonly users: ScimUsers;
  readonly groups: ScimGroups;
  readonly queries: ScimQueries;
  /** URL of the service. */
  readonly base: string;
};

/** Path of the service. */
export const SCIM_PATH = "/scim/v2";

export function createScim(options: {
  userStore: ScimUserStore;
  groupStore: ScimGroupStore;
  users: UserStore;
  groups: GroupStore;
  organizations: OrganizationStore;
  apiKeys: ApiKeys;
  settings: EffectiveSettings;
  clock: Clock;
  accessUrl: string;
  /** What clients send as their Authorization; undefined or empty to turn the service off. */
  token: string | undefined;
}): Scim {
  const { userStore, groupStore, users, groups, organizations, apiKeys, settings, clock, token } = options;
  const base = new URL(SCIM_PATH, options.accessUrl).href;
  const expected = token ? hashToken(bare(token)) : undefined;
  return {
    enabled: expected !== undefined,
    admits: (authorization) =>
      expected !== undefined &&
      authorization !== undefined &&
      sameHash(hashToken(bare(authorization)), expected),
    users: createScimUsers({ store: userStore, users, organizations, apiKeys, settings, clock, base }),
    groups: createScimGroups({ store: groupStore, userStore, groups, organizations, clock, base }),
    queries: createScimQueries({ users: userStore, groups: groupStore, base }),
    base,
  };
}

function bare(authorization: string): string {
  return authorization.trim().replace(/^bearer\s+/i, "");
}

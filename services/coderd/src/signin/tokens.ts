import { randomUUID } from "node:crypto";
import { type Clock, errorMessage, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import type { Sync } from "../idpsync/sync.js";
import type { Link, LinkStore } from "./links-store.js";
import type { OidcProvider } from "./oidc.js";

/** The tokens of users who sign in with OpenID Connect, kept valid while the users are active. */
export type OidcTokens = {
  /** A valid access token of the user; empty if there is none. Refreshed if it is about to expire. Never throws. */
  accessToken(userId: string): Promise<string>;
  /** Where the user's browser ends its session at the provider. Undefined if that is not configured. Never throws. */
  signOutUrl(userId: string): Promise<string | undefined>;
  /**
   * Refreshes tokens of active users that are about to expire. Groups, roles and organizations follow the claims that
   * come with them; if the provider refuses, the user's sessions end.
   */
  refreshExpiring(): Promise<void>;
};

/** A token that expires within this time is refreshed: a build may need it for a while. */
const MARGIN_MS = 60_000;
/** Users seen within this time are active. */
const ACTIVE_MS = 15 * 60_000;
/** How long a replica may take for a refresh, before another one may try; also the pause after a failure. */
const LEASE_MS = 30_000;
/** How long to wait for a refresh by another replica, and how often to look. */
const WAIT_MS = 5_000;
const LOOK_MS = 250;
/** Refreshes per run, and at the same time. */
const BATCH = 500;
const PARALLEL = 8;

export function createOidcTokens(options: {
  oidc: OidcProvider | undefined;
  links: LinkStore;
  apiKeys: ApiKeys;
  sync: Sync;
  unitOfWork: UnitOfWork;
  /** Whether signing out also ends the session at the provider, which then sends the browser to `signedOutUrl`. */
  signOutAtProvider: boolean;
  signedOutUrl: string;
  clock: Clock;
  logger: Logger;
}): OidcTokens {
  const { oidc, links, apiKeys, sync, unitOfWork, clock, logger } = options;

  const isFresh = ({ tokens: { expiresAt } }: Link) =>
    expiresAt === null || expiresAt.getTime() > clock.now().getTime() + MARGIN_MS;

  /** Waits until the replica that is refreshing the tokens has done so. */
  async function refreshedElsewhere(userId: string): Promise<Link | undefined> {
    const endMs = clock.now().getTime() + WAIT_MS;
    for (;;) {
      const link = await links.ofUser(userId, "oidc");
      if (!link || isFresh(link) || clock.now().getTime() >= endMs) return link;
      await clock.sleep(LOOK_MS);
    }
  }

  async function refresh(provider: OidcProvider, userId: string): Promise<Link | undefined> {
    const now = clock.now();
    const until = new Date(now.getTime() + LEASE_MS);
    const link = await links.claimRefresh(userId, "oidc", { now, until });
    if (!link) return refreshedElsewhere(userId);
    if (isFresh(link)) {
      await links.save(link);
      return link;
    }
    const answer = await provider.refresh(link);
    return unitOfWork.run(async () => {
      if (answer === "refused") {
        if (!(await links.forgetTokens(link, until))) return links.ofUser(userId, "oidc");
        logger.info("the OpenID Connect provider ended the sign-in of a user", { userId });
        await apiKeys.endSessions(userId);
        return undefined;
      }
      const renewed = { ...link, ...answer };
      await links.save(renewed);
      const request = { requestId: randomUUID(), ip: "", userAgent: "" };
      await sync({ userId, claims: renewed.claims, isNew: false, request });
      return renewed;
    });
  }

  /** Never rejects: what cannot be refreshed now is tried again later. */
  async function fresh(userId: string): Promise<Link | undefined> {
    const link = await links.ofUser(userId, "oidc");
    if (!oidc || !link || isFresh(link) || !link.tokens.refresh) return link;
    return refresh(oidc, userId).catch((error: unknown) => {
      logger.warn("could not refresh the tokens of a user", {
        userId,
        error: errorMessage(error),
        detail: isFleetError(error) ? error.detail : undefined,
      });
      return link;
    });
  }

  return {
    async accessToken(userId) {
      const link = await fresh(userId);
      const { access = "", expiresAt = null } = link?.tokens ?? {};
      return expiresAt === null || expiresAt > clock.now() ? access : "";
    },

    async signOutUrl(userId) {
      const link = oidc && options.signOutAtProvider ? await links.ofUser(userId, "oidc") : undefined;
      if (!oidc || !link?.tokens.id) return undefined;
      return oidc.signOutUrl(link.tokens.id, options.signedOutUrl).catch(() => undefined);
    },

    async refreshExpiring() {
      if (!oidc) return;
      const now = clock.now();
      const when = {
        now,
        seenSince: new Date(now.getTime() - ACTIVE_MS),
        expiring: new Date(now.getTime() + MARGIN_MS),
      };
      await inParallel(await links.expiring("oidc", when, BATCH), PARALLEL, fresh);
    },
  };
}

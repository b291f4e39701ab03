import { type Clock, errorMessage, FleetError, isFleetError, type Logger } from "@fleet/base";
import { type Grant, isFinal, refreshGrant, revoke } from "./oauth.js";
import type { Provider } from "./providers.js";
import type { Link, LinkStore, NewToken } from "./store.js";

/**
 * Users' tokens, refreshed when they expire. A token is refreshed once, however many agents and replicas ask for it:
 * providers that issue a new refresh token each time refuse the old one. So a refresh runs to its end even if nobody
 * waits for it any more, outside of any transaction, and its result is stored for as long as that takes.
 */
export type Tokens = {
  /**
   * The user's link with a token that is not expired. Undefined if the user has none, or has to sign in again.
   * @throws unavailable if the token is expired and the provider cannot be reached: the link stays.
   */
  usable(provider: Provider, userId: string): Promise<Link | undefined>;
  /** Waits for refreshes that are running. */
  close(): Promise<void>;
};

/** A token that expires within this time is refreshed: whoever gets it has to have time to use it. */
const AHEAD_MS = 60_000;
/** How long one replica may refresh a token: longer than a provider may take. */
const LEASE_MS = 30_000;
/** How often others look whether it has. */
const POLL_MS = 200;
/** How long storing a refreshed token is tried. */
const STORE_FOR_MS = 10 * 60_000;
const STORE_RETRY_MS = 250;

export type TokensOptions = {
  /** Outside of any unit of work. */
  store: LinkStore;
  callbackUrl(provider: Provider): string;
  clock: Clock;
  logger: Logger;
};

export function createTokens({ store, callbackUrl, clock, logger }: TokensOptions): Tokens {
  const running = new Map<string, Promise<Link | undefined>>();

  const isStale = ({ expiresAt }: Link, aheadMs: number) =>
    expiresAt !== null && expiresAt.getTime() <= clock.now().getTime() + aheadMs;

  /** Concurrent calls on this replica share one refresh. */
  function refreshed(provider: Provider, link: Link): Promise<Link | undefined> {
    const key = `${link.userId} ${provider.id}`;
    let refresh = running.get(key);
    if (!refresh) {
      refresh = refreshOrWait(provider, link).finally(() => running.delete(key));
      running.set(key, refresh);
    }
    return refresh;
  }

  async function refreshOrWait(provider: Provider, link: Link): Promise<Link | undefined> {
    const givingUpMs = clock.now().getTime() + 2 * LEASE_MS;
    for (;;) {
      const now = clock.now();
      if (await store.claimRefresh(link, now, new Date(now.getTime() + LEASE_MS))) {
        return refresh(provider, link);
      }
      const found = await store.find(link);
      if (!found || found.failure) return undefined;
      if (found.updatedAt.getTime() !== link.updatedAt.getTime()) return found;
      if (clock.now().getTime() > givingUpMs) {
        throw new FleetError(
          "unavailable",
          `The token of ${provider.displayName} is still being refreshed. Try again in a moment.`,
        );
      }
      await clock.sleep(POLL_MS);
    }
  }

  async function refresh(provider: Provider, link: Link): Promise<Link | undefined> {
    let grant: Grant;
    try {
      grant = await refreshGrant(provider, link.refreshToken, callbackUrl(provider));
    } catch (error) {
      const { userId } = link;
      logger.warn("could not refresh a token", { provider: provider.id, userId, error: errorMessage(error) });
      await store.endRefresh(link, isFinal(error) ? error.message : "");
      if (isFinal(error)) return undefined;
      throw isFleetError(error, "unavailable")
        ? error
        : new FleetError("unavailable", errorMessage(error), { cause: error });
    }
    const token = tokenOf(grant, clock.now());
    // A provider may leave out what it has told at sign-in.
    const extra = { ...link.extra, ...token.extra };
    await storeInAnyCase(provider, link, { ...token, extra });
    return store.find(link);
  }

  /** The provider has replaced the token: if the result were lost, the user would have to sign in again. */
  async function storeInAnyCase(provider: Provider, link: Link, token: NewToken): Promise<void> {
    const givingUpMs = clock.now().getTime() + STORE_FOR_MS;
    for (;;) {
      try {
        if (await store.storeRefreshed(link, token, clock.now())) return;
        // Deleted or replaced by its user meanwhile: nobody would know of this one.
        if (provider.endpoints.revoke && !(await store.find(link)))
          await revoke(provider, token).catch(() => {});
        return;
      } catch (error) {
        if (clock.now().getTime() > givingUpMs) throw error;
        logger.warn("could not store a refreshed token; retrying", {
          provider: provider.id,
          userId: link.userId,
          error: errorMessage(error),
        });
        await clock.sleep(STORE_RETRY_MS);
      }
    }
  }

  return {
    async usable(provider, userId) {
      const link = await store.find({ userId, providerId: provider.id });
      if (!link || !isStale(link, AHEAD_MS)) return link;
      const expired = isStale(link, 0);
      if (!provider.refresh || link.refreshToken === "" || link.failure) return expired ? undefined : link;
      try {
        return await refreshed(provider, link);
      } catch (error) {
        if (expired || !isFleetError(error)) throw error;
        return link;
      }
    },

    async close() {
      await Promise.allSettled(running.values());
    },
  };
}

/** What is stored of a grant. */
export function tokenOf({ expiresIn, ...grant }: Grant, now: Date): NewToken {
  return { ...grant, expiresAt: expiresIn ? new Date(now.getTime() + expiresIn * 1_000) : null };
}

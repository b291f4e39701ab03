import { type Clock, inParallel, isFleetError, type Logger } from "@fleet/base";
import type { Transaction } from "../database/transaction.js";
import { externalAuthChannel } from "../pubsub/channels.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { type Account, type Installation, installations, type Validation, validate } from "./accounts.js";
import { NotLinked, ProviderNotFound, SignInRequired } from "./errors.js";
import { type DeviceCode, exchangeCode, exchangeDevice, type Grant, revoke, startDevice } from "./oauth.js";
import type { Provider } from "./providers.js";
import { type BegunSignIn, createSignIns, type ReturnedSignIn } from "./sign-in.js";
import type { Link, LinkStore } from "./store.js";
import { createTokens, tokenOf } from "./tokens.js";

/** A provider that a template asks for. */
export type RequestedProvider = { id: string; optional: boolean };

/** A provider with one user's link to it. */
export type ProviderView = {
  provider: Provider;
  link: Link | undefined;
  /** Signed in, with a token that the provider accepts. */
  authenticated: boolean;
  error: string;
  account: Account | undefined;
};

/** External auth: users' sign-ins to other services, whose tokens workspaces and templates use. */
export type ExternalAuth = {
  readonly providers: readonly Provider[];
  /** @throws ProviderNotFound. */
  provider(id: string): Provider;
  /** Where users sign in. */
  signInUrl(provider: Provider): string;
  /** All providers, each with the user's link; tokens are refreshed and validated. */
  views(userId: string): Promise<ProviderView[]>;
  view(provider: Provider, userId: string): Promise<ProviderView>;
  /** Where the provider's app is installed, as the user sees it; undefined if it has no such apps. */
  installations(view: ProviderView): Promise<Installation[] | undefined>;
  /** Deletes the link, and revokes the token. @throws NotLinked. Returns why it could not be revoked. */
  unlink(provider: Provider, userId: string): Promise<{ revoked: boolean; error: string | undefined }>;

  beginSignIn(provider: Provider, userId: string, redirect: string): Promise<BegunSignIn>;
  /** Links the user; returns where the browser goes. @throws ProviderRefused; permission_denied; unavailable. */
  completeSignIn(provider: Provider, userId: string, code: string, returned: ReturnedSignIn): Promise<string>;
  beginDevice(provider: Provider): Promise<DeviceCode>;
  completeDevice(provider: Provider, userId: string, deviceCode: string): Promise<void>;

  /** The provider whose tokens are for the git repository at this address. */
  matching(address: string): Provider | undefined;
  /** The user's link with a token that the provider accepts; with `listen`, waits for the user to sign in. */
  credentials(
    provider: Provider,
    userId: string,
    options?: { listen?: AbortSignal | undefined },
  ): Promise<Link | undefined>;

  /** Tokens of a build, of the providers that the user is signed in to. A provider that is away is left out. */
  tokensFor(
    userId: string,
    requested: readonly RequestedProvider[],
  ): Promise<{ id: string; accessToken: string }[]>;
  /** Refreshes what a build will need, so that a link that is no longer usable is known as such. */
  freshen(userId: string, requested: readonly RequestedProvider[]): Promise<void>;
  /** @throws SignInRequired if the user lacks a link that is not optional. */
  requireLinks(
    on: Pick<Transaction, "$queryRaw">,
    userId: string,
    requested: readonly RequestedProvider[],
  ): Promise<void>;
  /** Waits for refreshes that are running. */
  close(): Promise<void>;
};

/** Providers asked at the same time for one user. */
const PARALLEL = 8;
/** How often a waiting caller looks for a link by itself, in case a notification was lost. */
const LISTEN_MS = 5_000;

export type ExternalAuthOptions = {
  providers: readonly Provider[];
  store: LinkStore;
  /** The same outside of any unit of work: what a provider has changed cannot be rolled back. */
  outside: LinkStore;
  derive(purpose: string): Promise<Buffer>;
  accessUrl: string;
  pubsub: Pubsub;
  clock: Clock;
  logger: Logger;
};

export function createExternalAuth(options: ExternalAuthOptions): ExternalAuth {
  const { providers, store, outside, accessUrl, pubsub, clock, logger } = options;
  const urlOf = ({ id }: Provider) => new URL(`/external-auth/${id}`, accessUrl).href;
  const callbackUrl = (provider: Provider) => `${urlOf(provider)}/callback`;
  const tokens = createTokens({ store: outside, callbackUrl, clock, logger });
  const signIns = createSignIns({ derive: options.derive, callbackUrl, clock });
  const configured = (id: string) => providers.find((provider) => provider.id === id);

  async function view(provider: Provider, userId: string): Promise<ProviderView> {
    const stored = await outside.find({ userId, providerId: provider.id });
    const none = { provider, link: stored, authenticated: false, account: undefined };
    if (!stored) return { ...none, error: "" };
    try {
      const link = await tokens.usable(provider, userId);
      if (!link) {
        const ended = await outside.find(stored);
        return { ...none, error: ended?.failure || "The token has expired." };
      }
      const { valid, error, account }: Validation = await validate(provider, link.accessToken);
      return { provider, link, authenticated: valid, error, account };
    } catch (error) {
      if (!isFleetError(error)) throw error;
      return { ...none, error: error.message };
    }
  }

  async function link(provider: Provider, userId: string, grant: Grant): Promise<void> {
    await store.put({ userId, providerId: provider.id }, tokenOf(grant, clock.now()), clock.now());
    pubsub.publish(externalAuthChannel(userId), {});
  }

  async function revocationOf(provider: Provider, stored: Link) {
    if (!provider.endpoints.revoke) return { revoked: false, error: undefined };
    try {
      await revoke(provider, stored);
      return { revoked: true, error: undefined };
    } catch (error) {
      if (!isFleetError(error)) throw error;
      return { revoked: false, error: error.message };
    }
  }

  async function accepted(provider: Provider, userId: string): Promise<Link | undefined> {
    const found = await tokens.usable(provider, userId);
    if (!found) return undefined;
    return (await validate(provider, found.accessToken)).valid ? found : undefined;
  }

  async function accountsOf<T>(
    requested: readonly RequestedProvider[],
    ask: (provider: Provider) => Promise<T>,
  ): Promise<T[]> {
    const found: T[] = [];
    await inParallel(requested, PARALLEL, async ({ id }) => {
      const provider = configured(id);
      if (!provider) return;
      try {
        found.push(await ask(provider));
      } catch (error) {
        if (!isFleetError(error)) throw error;
        logger.warn("no token for a build", { provider: id, error: error.message });
      }
    });
    return found;
  }

  return {
    providers,
    signInUrl: urlOf,
    provider(id) {
      const found = configured(id);
      if (!found) throw new ProviderNotFound(id);
      return found;
    },

    view,
    async views(userId) {
      const found = new Map<string, ProviderView>();
      await inParallel(providers, PARALLEL, async (provider) => {
        found.set(provider.id, await view(provider, userId));
      });
      return providers.map(({ id }) => found.get(id)!);
    },

    async installations({ provider, link, authenticated }) {
      if (!link || !authenticated) return undefined;
      return installations(provider, link.accessToken).catch((error: unknown) => {
        if (!isFleetError(error)) throw error;
        return undefined;
      });
    },

    async unlink(provider, userId) {
      const key = { userId, providerId: provider.id };
      const stored = await outside.find(key);
      if (!stored) throw new NotLinked(provider.displayName);
      // Before the deletion: no transaction is open while a provider is asked.
      const revocation = await revocationOf(provider, stored);
      await store.delete(key);
      return revocation;
    },

    beginSignIn: signIns.begin,
    async completeSignIn(provider, userId, code, returned) {
      const { verifier, redirect } = await signIns.complete(provider, userId, returned);
      const redirectUri = callbackUrl(provider);
      await link(provider, userId, await exchangeCode(provider, { code, redirectUri, verifier }));
      return redirect;
    },
    beginDevice: startDevice,
    async completeDevice(provider, userId, deviceCode) {
      await link(provider, userId, await exchangeDevice(provider, deviceCode));
    },

    matching(address) {
      const plain = address.replace(/^(https?:\/\/)[^/@]*@/, "$1");
      return providers.find(({ regex }) => regex?.test(plain));
    },

    async credentials(provider, userId, { listen } = {}) {
      if (!listen) return accepted(provider, userId);
      const woken = new AbortController();
      const signal = AbortSignal.any([listen, woken.signal]);
      let wake = () => {};
      const stop = await pubsub.listen(externalAuthChannel(userId), () => wake());
      try {
        while (!listen.aborted) {
          const next = new Promise<void>((resolve) => (wake = resolve));
          const found = await accepted(provider, userId);
          if (found) return found;
          await Promise.race([next, clock.sleep(LISTEN_MS, signal).catch(() => {})]);
        }
        return undefined;
      } finally {
        stop();
        woken.abort();
      }
    },

    async tokensFor(userId, requested) {
      const links = await accountsOf(requested, async (provider) => ({
        id: provider.id,
        link: await tokens.usable(provider, userId),
      }));
      return links.flatMap(({ id, link }) => (link ? [{ id, accessToken: link.accessToken }] : []));
    },

    async freshen(userId, requested) {
      await accountsOf(requested, (provider) => tokens.usable(provider, userId));
    },

    async requireLinks(on, userId, requested) {
      const required = requested.filter(({ optional }) => !optional).map(({ id }) => id);
      const missing = await store.missing(on, userId, required);
      if (missing.length === 0) return;
      throw new SignInRequired(
        missing.map((id) => {
          const provider = configured(id);
          return { name: provider?.displayName ?? id, url: provider && urlOf(provider) };
        }),
      );
    },

    close: tokens.close,
  };
}

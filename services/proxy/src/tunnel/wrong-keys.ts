import { type Clock, FleetError, isFleetError } from "@fleet/base";
import { LIMITS } from "../limits.js";

/** Slows down who tries keys: by address, since a wrong key is nobody's. */
export type WrongKeys = {
  /**
   * Has a key checked. From an address that has shown too many wrong ones within a minute, checks go one at a time, and
   * a further wrong one is answered with `resource_exhausted`; a right one comes in from there still, for an address may
   * stand for a whole cluster.
   */
  check<T>(address: string, ask: () => Promise<T>): Promise<T>;
};

const WINDOW_MS = 60_000;

type Limits = Record<"wrongKeysPerMinute" | "wrongKeysWaiting" | "wrongKeyAddresses", number>;

type Tries = { since: number; wrong: number; waiting: number; last: Promise<unknown> };

export function createWrongKeys(clock: Clock, limits: Limits = LIMITS): WrongKeys {
  const addresses = new Map<string, Tries>();

  function triesOf(address: string): Tries {
    const now = clock.now().getTime();
    const known = addresses.get(address);
    if (known && (now - known.since < WINDOW_MS || known.waiting > 0)) return known;
    const tries = { since: now, wrong: 0, waiting: 0, last: Promise.resolve() };
    addresses.delete(address);
    addresses.set(address, tries);
    if (addresses.size > limits.wrongKeyAddresses) addresses.delete(addresses.keys().next().value!);
    return tries;
  }

  return {
    async check(address, ask) {
      const tries = triesOf(address);
      const tooMany = () => tries.wrong >= limits.wrongKeysPerMinute;
      const refused = () =>
        new FleetError(
          "resource_exhausted",
          "Too many wrong tokens from this address. Try again in a minute.",
        );
      const judge = async () => {
        try {
          return await ask();
        } catch (error) {
          if (!isFleetError(error, "unauthenticated")) throw error;
          if (tooMany()) throw refused();
          tries.wrong += 1;
          throw error;
        }
      };
      if (!tooMany()) return judge();
      if (tries.waiting >= limits.wrongKeysWaiting) throw refused();
      tries.waiting += 1;
      const turn = tries.last.then(judge).finally(() => {
        tries.waiting -= 1;
      });
      tries.last = turn.catch(() => {});
      return turn;
    },
  };
}

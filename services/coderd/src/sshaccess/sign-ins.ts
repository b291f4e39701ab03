import { randomInt } from "node:crypto";
import { type Clock, FleetError } from "@fleet/base";
import type { UserActor } from "../auth/actor.js";
import { isLimited } from "../auth/authorizer.js";
import type { SshSignIn } from "../database/gen/client.js";
import { SshSignInGone } from "./errors.js";
import type { SshIdentity } from "./keys.js";
import type { SshSignInStore } from "./sign-ins-store.js";

/** How long the user has to allow a sign-in. */
export const SIGN_IN_MS = 3 * 60_000;
/** Maximum number of sign-ins that wait at the same time, in the whole deployment. */
const MAX_WAITING = 1_000;
/** Without vowels and letters that look alike: 34 bits in eight letters. */
const ALPHABET = "BCDFGHJKMNPQRSTVWXZ";
const CODE_LENGTH = 8;
const CODE = /^[A-Z]{4}-[A-Z]{4}$/;
const MAX_TEXT = 128;

/** Sign-ins of SSH clients by a link, which their user opens in a browser. Single use, for three minutes. */
export type SshSignIns = {
  /** @throws resource_exhausted if too many wait. */
  begin(client: { username: string; address: string; client: string }): Promise<{
    id: string;
    code: string;
    url: string;
    expiresAt: Date;
  }>;
  /** What the actor is asked to allow. @throws not_found if it does not wait any more; permission_denied for another user. */
  question(actor: UserActor, code: string): Promise<SshSignIn>;
  /** @throws as `question`. */
  allow(actor: UserActor, code: string): Promise<void>;
  /** @throws as `question`. */
  deny(actor: UserActor, code: string): Promise<void>;
  /** The identity, once, if its user has allowed it; undefined while the user has not decided. @throws SshSignInGone. */
  claim(id: string): Promise<SshIdentity | undefined>;
};

export function createSshSignIns({
  store,
  accessUrl,
  clock,
}: {
  store: SshSignInStore;
  accessUrl: string;
  clock: Clock;
}): SshSignIns {
  const gone = () =>
    new FleetError(
      "not_found",
      "This link was already used or has expired. Connect again with your SSH client to get another one.",
    );

  async function question(actor: UserActor, code: string): Promise<SshSignIn> {
    if (actor.byToken || isLimited(actor)) {
      throw new FleetError(
        "permission_denied",
        "A token cannot allow SSH connections. Sign in to the dashboard and open this page there.",
      );
    }
    const found = CODE.test(code) ? await store.findWaiting(code, clock.now()) : undefined;
    if (!found) throw gone();
    if (found.username.toLowerCase() !== actor.username.toLowerCase()) {
      throw new FleetError(
        "permission_denied",
        `The SSH client connects as ${found.username || "nobody"}, but you are signed in as ${actor.username}. Use your own user name, for example: ssh ${actor.username}@…`,
      );
    }
    return found;
  }

  return {
    question,

    async begin({ username, address, client }) {
      const now = clock.now();
      const expiresAt = new Date(now.getTime() + SIGN_IN_MS);
      const code = newCode();
      const fields = { username: plain(username), address: plain(address), client: plain(client) };
      const row = await store.insert({ code, ...fields, createdAt: now, expiresAt }, MAX_WAITING);
      if (!row) {
        throw new FleetError(
          "resource_exhausted",
          "Too many SSH clients wait for their sign-in. Try again in a minute, or use a registered key.",
        );
      }
      const url = new URL(`/ssh/sign-in?code=${code}`, accessUrl).href;
      return { id: row.id, code, url, expiresAt };
    },

    async allow(actor, code) {
      await question(actor, code);
      if (!(await store.allow(code, actor.apiKeyId, clock.now()))) throw gone();
    },

    async deny(actor, code) {
      await question(actor, code);
      await store.deny(code);
    },

    async claim(id) {
      const now = clock.now();
      const allowed = await store.claim(id, now);
      if (allowed) return { ...allowed, sshKeyId: "" };
      if (await store.isWaiting(id, now)) return undefined;
      throw new SshSignInGone();
    },
  };
}

function newCode(): string {
  const letters = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");
  return `${letters.slice(0, CODE_LENGTH / 2)}-${letters.slice(CODE_LENGTH / 2)}`;
}

/** What a client says of itself: printable and short. */
function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_TEXT);
}

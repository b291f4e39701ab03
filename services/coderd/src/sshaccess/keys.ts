import { type Clock, FleetError } from "@fleet/base";
import type { ApiKeys } from "../apikeys/service.js";
import type { Actor, UserActor } from "../auth/actor.js";
import type { Users } from "../users/service.js";
import { SshKeyNotFound, SshKeyUnknown } from "./errors.js";
import type { SshKeyRow, SshKeyStore } from "./keys-store.js";
import { fingerprintOf, parsePublicKey } from "./public-key.js";

/** Maximum number of keys of a user. */
export const MAX_SSH_KEYS = 100;
const MAX_NAME_LENGTH = 64;
/** A key opens SSH connections, and nothing else. */
const SCOPES = ["workspace:ssh"];
/** Minimum interval between writes of a key's last use. */
const TOUCH_INTERVAL_MS = 60_000;

/** What proves who an SSH client's user is: a registered key, or the session that allowed its sign-in. */
export type SshIdentity = { userId: string; username: string; sshKeyId: string; keyId: string };

/** The public keys with which users' SSH clients authenticate to the proxies. */
export type SshKeys = {
  list(actor: Actor, user: string): Promise<SshKeyRow[]>;
  /** The name defaults to the key's comment, then its fingerprint. @throws invalid_argument; SshKeyTaken. */
  add(actor: Actor, user: string, key: { name?: string | undefined; publicKey: string }): Promise<SshKeyRow>;
  /** Ends the connections that were opened with the key. @throws SshKeyNotFound. */
  remove(actor: Actor, user: string, id: string): Promise<void>;
  /**
   * Identifies the user of this name by a key, as SSH transmits it. `used` if the client has proven that it holds the
   * private key. @throws SshKeyUnknown; unauthenticated if the user is suspended.
   */
  authenticate(username: string, publicKey: Uint8Array, used: boolean): Promise<SshIdentity>;
  /** The current actor behind an identity. @throws unauthenticated if the key or session is gone, or the user suspended. */
  actorOf(identity: Pick<SshIdentity, "userId" | "sshKeyId" | "keyId">): Promise<UserActor>;
};

export function createSshKeys({
  store,
  users,
  apiKeys,
  clock,
}: {
  store: SshKeyStore;
  users: Pick<Users, "require" | "requireManaged">;
  apiKeys: Pick<ApiKeys, "actorOfKey" | "actorOfUser">;
  clock: Clock;
}): SshKeys {
  return {
    list: async (actor, user) => store.list((await users.require(actor, "read_personal", user)).id),

    async add(actor, user, { name, publicKey }) {
      const { id: userId } = await users.requireManaged(actor, "update_personal", user);
      const { text, comment, fingerprint } = parsePublicKey(publicKey);
      const chosen = (name?.trim() || comment || fingerprint).slice(0, MAX_NAME_LENGTH);
      return store.insert({ userId, name: chosen, publicKey: text, fingerprint }, (count) => {
        if (count < MAX_SSH_KEYS) return;
        const detail = `At most ${MAX_SSH_KEYS} SSH keys are possible. Remove one first.`;
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "public_key", detail }] });
      });
    },

    async remove(actor, user, id) {
      const { id: userId } = await users.requireManaged(actor, "update_personal", user);
      if (!(await store.delete(userId, id))) throw new SshKeyNotFound();
    },

    async authenticate(username, publicKey, used) {
      const key = await store.findByFingerprint(fingerprintOf(publicKey));
      if (!key || key.username.toLowerCase() !== username.toLowerCase()) throw new SshKeyUnknown();
      await apiKeys.actorOfUser(key.userId, SCOPES);
      const now = clock.now();
      const due = now.getTime() - (key.lastUsedAt?.getTime() ?? 0) > TOUCH_INTERVAL_MS;
      if (used && due) await store.touch(key, now);
      return { userId: key.userId, username: key.username, sshKeyId: key.id, keyId: "" };
    },

    async actorOf({ userId, sshKeyId, keyId }) {
      if (sshKeyId === "") return apiKeys.actorOfKey(keyId);
      if (!(await store.exists(sshKeyId, userId))) {
        throw new FleetError("unauthenticated", "The SSH key was removed. Connect with another one.");
      }
      return apiKeys.actorOfUser(userId, SCOPES);
    },
  };
}

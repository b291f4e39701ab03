import { type Clock, FleetError } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { hashToken, randomText, sameHash } from "../auth/tokens.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import type { JobStore } from "../provisionerjobs/store.js";
import { completeTags, covers, queueNameOf, type Tags } from "../provisionerjobs/tags.js";
import { QUEUES_CHANNEL } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { DaemonUnauthenticated, ProvisionerKeyNotFound } from "./errors.js";
import { type DaemonStatus, daemonStatus } from "./status.js";
import type {
  DaemonFilter,
  DaemonRow,
  DaemonStore,
  DaemonWarning,
  ProvisionerKeyRow,
  RegisterDaemon,
} from "./store.js";

export type ListedDaemon = DaemonRow & { status: DaemonStatus };

/** The daemons that run jobs, and the keys that they prove themselves by. */
export type ProvisionerDaemons = {
  /** Who a daemon is, by its pre-shared key or its provisioner key. */
  authenticate(credentials: { psk?: string | undefined; key?: string | undefined }): Promise<DaemonKey>;
  /** Registers a daemon, or the same one again after a reconnect. */
  register(key: DaemonKey, registration: DaemonRegistration): Promise<RegisterDaemon>;
  /** The daemon lives, and runs these jobs. */
  beat(daemonId: string, runningJobIds: readonly string[]): Promise<void>;
  /** Keeps what the daemon says of itself, in place of what it said before. */
  warn(daemonId: string, warnings: readonly DaemonWarning[]): Promise<void>;
  /** The daemon goes of its own accord. */
  leave(daemonId: string): Promise<void>;
  /** The queues that the daemon can take from: the whole list at once, and again each time that it changes. */
  queues(
    daemon: { organizationId: string; provisioners: readonly string[]; tags: Tags },
    signal: AbortSignal,
  ): AsyncGenerator<string[]>;
  /** @throws failed_precondition unless the daemon has registered with this key. */
  requireKeyHolder(key: DaemonKey, daemonId: string): Promise<void>;
  /** The organization's daemons that match. @throws not_found where the actor may not see them. */
  list(actor: Actor, filter: DaemonFilter): Promise<ListedDaemon[]>;
  /** The organization's keys. @throws not_found where the actor may not see them. */
  listKeys(actor: Actor, organizationId: string): Promise<ProvisionerKeyRow[]>;
  /** Makes a key; its text is told here and never again. */
  createKey(actor: Actor, organizationId: string, request: { name: string; tags: Tags }): Promise<string>;
  /** @throws not_found where there is none, or the actor may not delete it. */
  deleteKey(actor: Actor, organizationId: string, name: string): Promise<void>;
};

/** Key ids and names that clients know. */
export const BUILT_IN_KEYS = {
  psk: { id: "00000000-0000-0000-0000-000000000003", name: "psk" },
} as const;

/** What a daemon proved itself by. */
export type DaemonKey = {
  id: string;
  /** Undefined: the deployment's own daemons, which may serve any organization. */
  organizationId: string | undefined;
  /** The tags that the key forces upon its daemons. */
  tags: Tags | undefined;
};

export type DaemonRegistration = {
  id: string;
  name: string;
  version: string;
  provisioners: string[];
  tags: Tags;
  slots: number;
  organization: string;
  runningJobIds: string[];
  warnings: DaemonWarning[];
};

/** A session asks again for its queues this often, whatever it was told. */
const QUEUE_POLL_MS = 5_000;
/** Queues that a session keeps listening to, though nothing waits in them. */
const SESSION_QUEUES = 1_000;
/** What a daemon may say of itself: so many warnings, each of so many characters. */
const WARNINGS = 20;
const WARNING_LENGTH = 1_000;
/** Slots of one daemon at most. */
const MAX_SLOTS = 1_024;
/** Daemons that are gone for a week are forgotten. */
export const DAEMON_KEPT_MS = 7 * 24 * 3_600_000;
const CACHED_DAEMONS = 10_000;
const KEY_LENGTH = 43;
const WARNING_CODE = /^EPD\d\d$/;
const NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$/;

export type ProvisionerDaemonsOptions = {
  store: DaemonStore;
  jobs: JobStore;
  pubsub: Pubsub;
  clock: Clock;
  /** What the deployment's own daemons prove themselves by. Undefined: there are none. */
  psk: string | undefined;
};

export function createProvisionerDaemons({
  store,
  jobs,
  pubsub,
  clock,
  psk,
}: ProvisionerDaemonsOptions): ProvisionerDaemons {
  const keyOfDaemon = new Map<string, string>();
  const pskHash = psk ? hashToken(psk) : undefined;

  async function organizationOf(key: DaemonKey, named: string): Promise<string> {
    if (key.organizationId) return key.organizationId;
    const organization = await store.organization(named);
    if (organization) return organization.id;
    throw new FleetError(
      "invalid_argument",
      `Organization "${named}" not found. Check the provisioner's settings.`,
    );
  }

  async function requireKeyHolder(key: DaemonKey, daemonId: string): Promise<void> {
    // A daemon's id never moves to another key, so that an answer stays true.
    if (keyOfDaemon.get(daemonId) === key.id) return;
    const daemon = await store.keyOf(daemonId);
    if (keyOfDaemon.size >= CACHED_DAEMONS) keyOfDaemon.clear();
    if (daemon) keyOfDaemon.set(daemonId, daemon.keyId);
    if (daemon?.keyId !== key.id) {
      throw new FleetError("failed_precondition", "The provisioner daemon is not registered.");
    }
  }

  return {
    async authenticate(credentials) {
      if (credentials.key) {
        const key = await store.findKey(hashToken(credentials.key));
        if (!key) throw new DaemonUnauthenticated();
        return { id: key.id, organizationId: key.organizationId, tags: key.tags as Tags };
      }
      if (!credentials.psk || !pskHash || !sameHash(hashToken(credentials.psk), pskHash)) {
        throw new DaemonUnauthenticated();
      }
      return { id: BUILT_IN_KEYS.psk.id, organizationId: undefined, tags: undefined };
    },

    async register(key, registration) {
      const { id, name, version, provisioners, slots, runningJobIds } = registration;
      if (!NAME.test(name)) {
        throw new FleetError(
          "invalid_argument",
          `"${name}" is not a valid provisioner name. Use letters, digits, dots and hyphens.`,
        );
      }
      const organizationId = await organizationOf(key, registration.organization);
      const holder = await store.keyOf(id);
      if (holder && holder.keyId !== key.id) throw new DaemonUnauthenticated();
      const tags = completeTags(key.tags ?? registration.tags, registration.tags.owner ?? "");
      const now = clock.now();
      const staleBefore = new Date(now.getTime() - DAEMON_STALE_MS);
      const daemon = {
        id,
        organizationId,
        keyId: key.id,
        name,
        version,
        provisioners,
        tags,
        slots: Math.min(Math.max(slots, 1), MAX_SLOTS),
        warnings: boundWarnings(registration.warnings),
      };
      await store.register(daemon, now, staleBefore);
      if (runningJobIds.length > 0) await jobs.beat(id, runningJobIds, now);
      return daemon;
    },

    beat: (daemonId, runningJobIds) => jobs.beat(daemonId, runningJobIds, clock.now()),
    warn: (daemonId, warnings) => store.warn(daemonId, boundWarnings(warnings)),
    leave: (daemonId) => store.leave(daemonId, clock.now()),

    async *queues(daemon, signal) {
      const { organizationId, tags } = daemon;
      const known = new Set(
        daemon.provisioners.map((provisioner) => queueNameOf({ organizationId, provisioner, tags })),
      );
      const hints = await hintsOf(pubsub, QUEUES_CHANNEL, clock, signal, QUEUE_POLL_MS);
      let sent = -1;
      while (!signal.aborted) {
        for (const pending of await jobs.pendingQueues(organizationId)) {
          if (known.size >= SESSION_QUEUES) break;
          if (daemon.provisioners.includes(pending.provisioner) && covers(tags, pending.tags))
            known.add(pending.queue);
        }
        if (known.size !== sent) yield [...known];
        sent = known.size;
        await hints.next();
      }
    },

    requireKeyHolder,

    async list(actor, filter) {
      requireOrganization(actor, "provisioner_daemon", "read", filter.organizationId);
      const now = clock.now();
      return (await store.list(filter)).map((daemon) => withStatus(daemon, now));
    },

    async listKeys(actor, organizationId) {
      requireOrganization(actor, "provisioner_keys", "read", organizationId);
      return store.listKeys(organizationId);
    },

    async createKey(actor, organizationId, request) {
      requireOrganization(actor, "provisioner_keys", "create", organizationId);
      if (!NAME.test(request.name) || request.name === BUILT_IN_KEYS.psk.name) {
        const detail =
          "A key's name can contain only letters, digits, dots and hyphens, and cannot be a built-in name.";
        throw new FleetError("invalid_argument", detail, { validations: [{ field: "name", detail }] });
      }
      const secret = randomText(KEY_LENGTH);
      const tags = completeTags(request.tags, requireUser(actor).userId);
      await store.insertKey({ organizationId, name: request.name, secretHash: hashToken(secret), tags });
      return secret;
    },

    async deleteKey(actor, organizationId, name) {
      requireOrganization(actor, "provisioner_keys", "delete", organizationId);
      if (!(await store.deleteKey(organizationId, name))) throw new ProvisionerKeyNotFound();
    },
  };

  function requireOrganization(
    actor: Actor,
    type: "provisioner_daemon" | "provisioner_keys",
    action: "read" | "create" | "delete",
    organizationId: string,
  ): void {
    authorizer.require(actor, action, { type, orgId: organizationId }, new ProvisionerKeyNotFound());
  }
}

function boundWarnings(warnings: readonly DaemonWarning[]): DaemonWarning[] {
  return warnings
    .filter(({ code }) => WARNING_CODE.test(code))
    .slice(0, WARNINGS)
    .map(({ code, message }) => ({ code, message: message.slice(0, WARNING_LENGTH) }));
}

function withStatus(daemon: DaemonRow, now: Date): ListedDaemon {
  return { ...daemon, status: daemonStatus({ ...daemon, running: daemon.currentJob !== undefined }, now) };
}

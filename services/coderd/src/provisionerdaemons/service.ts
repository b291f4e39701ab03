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

/** Provisioner daemons and the keys they authenticate with. */
export type ProvisionerDaemons = {
  /** Authenticates a daemon by its pre-shared key or provisioner key. */
  authenticate(credentials: { psk?: string | undefined; key?: string | undefined }): Promise<DaemonKey>;
  /** Registers a daemon, or the same daemon again after a reconnect. */
  register(key: DaemonKey, registration: DaemonRegistration): Promise<RegisterDaemon>;
  /** Records a heartbeat of the daemon and of the jobs it runs. */
  beat(daemonId: string, runningJobIds: readonly string[]): Promise<void>;
  /** Replaces the warnings that the daemon reported. */
  warn(daemonId: string, warnings: readonly DaemonWarning[]): Promise<void>;
  /** Records that the daemon disconnected gracefully. */
  leave(daemonId: string): Promise<void>;
  /** The queues that the daemon can take jobs from: the full list first, and again on each change. */
  queues(
    daemon: { organizationId: string; provisioners: readonly string[]; tags: Tags },
    signal: AbortSignal,
  ): AsyncGenerator<string[]>;
  /** @throws failed_precondition unless the daemon has registered with this key. */
  requireKeyHolder(key: DaemonKey, daemonId: string): Promise<void>;
  /** The organization's daemons that match. @throws not_found if the actor may not read them. */
  list(actor: Actor, filter: DaemonFilter): Promise<ListedDaemon[]>;
  /** The organization's keys. @throws not_found if the actor may not read them. */
  listKeys(actor: Actor, organizationId: string): Promise<ProvisionerKeyRow[]>;
  /** Creates a key; its secret is returned only once. */
  createKey(actor: Actor, organizationId: string, request: { name: string; tags: Tags }): Promise<string>;
  /** @throws not_found if it does not exist or the actor may not delete it. */
  deleteKey(actor: Actor, organizationId: string, name: string): Promise<void>;
};

/** Ids and names of built-in keys, as clients expect them. */
export const BUILT_IN_KEYS = {
  psk: { id: "00000000-0000-0000-0000-000000000003", name: "psk" },
} as const;

/** The credential a daemon authenticated with. */
export type DaemonKey = {
  id: string;
  /** Undefined for the deployment's own daemons, which may serve any organization. */
  organizationId: string | undefined;
  /** Tags that the key enforces on its daemons. */
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

/** How often a session refreshes its queues, regardless of messages. */
const QUEUE_POLL_MS = 5_000;
/** Maximum queues per session. A session keeps listening to a queue after it is empty. */
const SESSION_QUEUES = 1_000;
/** Limits on reported warnings: how many, and characters per warning. */
const WARNINGS = 20;
const WARNING_LENGTH = 1_000;
/** Maximum slots per daemon. */
const MAX_SLOTS = 1_024;
/** Daemons not seen for this long are deleted. */
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
  /** The pre-shared key of the deployment's own daemons. Undefined if there are none. */
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
    // A daemon's id never moves to another key, so a cached answer stays valid.
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

import { type Clock, FleetError, isUuid } from "@fleet/base";
import type { Actor, UserActor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import { hashToken, randomText, sameHash } from "../auth/tokens.js";
import type { JobOffers } from "../provisionerjobs/offers.js";
import { DAEMON_STALE_MS } from "../provisionerjobs/predicates.js";
import type { JobStore } from "../provisionerjobs/store.js";
import {
  completeTags,
  covers,
  formatTags,
  queueNameOf,
  type Tags,
  UNTAGGED,
} from "../provisionerjobs/tags.js";
import { QUEUES_CHANNEL } from "../pubsub/channels.js";
import { hintsOf } from "../pubsub/hints.js";
import type { Pubsub } from "../pubsub/pubsub.js";
import { DaemonForbidden, DaemonUnauthenticated, ProvisionerKeyNotFound } from "./errors.js";
import { type DaemonStatus, daemonStatus } from "./status.js";
import type {
  Credential,
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
  /** Authenticates a daemon by a provisioner key, the pre-shared key, or a user's session, in this order. */
  authenticate(credentials: DaemonCredentials): Promise<DaemonKey>;
  /**
   * Registers a daemon, or the same daemon again after a reconnect. Its key decides for which organization and with
   * which tags. @throws invalid_argument or permission_denied with what to change.
   */
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
  /** Waits for pending jobs that the daemon may run; returns their ids, which are only hints. */
  offers(key: DaemonKey, daemonId: string, limit: number, signal: AbortSignal): Promise<string[]>;
  /**
   * @throws failed_precondition unless the daemon has registered with this key; permission_denied if its user may no
   * longer run it.
   */
  requireKeyHolder(key: DaemonKey, daemonId: string): Promise<void>;
  /** The bytes of an archive that the key's daemons may need. Undefined if they may not, or if it does not exist. */
  file(key: DaemonKey, fileId: string): Promise<Uint8Array | undefined>;
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
  userAuth: { id: "00000000-0000-0000-0000-000000000002", name: "user-auth" },
  psk: { id: "00000000-0000-0000-0000-000000000003", name: "psk" },
} as const;

const BUILT_IN_NAMES: readonly string[] = [
  "built-in",
  ...Object.values(BUILT_IN_KEYS).map(({ name }) => name),
];

/** What a daemon shows: one of these. */
export type DaemonCredentials = {
  key?: string | undefined;
  psk?: string | undefined;
  /** A user's session token. */
  session?: string | undefined;
};

/** The credential a daemon authenticated with. */
export type DaemonKey = {
  id: string;
  /** The user whose session it is; undefined for a key. */
  user: UserActor | undefined;
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
/** Limits on a registration: tags and their lengths, kinds of provisioners, and the version's length. */
const TAGS = 50;
const TAG_LENGTH = 256;
const PROVISIONERS = 10;
const VERSION_LENGTH = 64;
/** Maximum jobs offered per call. */
const MAX_OFFERS = 100;
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
  jobOffers: JobOffers;
  /** The user with this session token. Throws `unauthenticated` if the token is invalid. */
  authenticateUser(token: string): Promise<UserActor>;
};

export function createProvisionerDaemons({
  store,
  jobs,
  pubsub,
  clock,
  psk,
  jobOffers,
  authenticateUser,
}: ProvisionerDaemonsOptions): ProvisionerDaemons {
  const keyOfDaemon = new Map<string, string>();
  const pskHash = psk ? hashToken(psk) : undefined;

  async function organizationOf(key: DaemonKey, named: string): Promise<string> {
    if (key.organizationId && named === "") return key.organizationId;
    const organization = await store.organization(named);
    const hidden = key.user && organization && !key.user.organizationIds.includes(organization.id);
    if (!organization || hidden) {
      throw new FleetError(
        "invalid_argument",
        `Organization "${named}" not found. Check --org or CODER_ORGANIZATION of the provisioner daemon.`,
      );
    }
    if (key.organizationId && key.organizationId !== organization.id) {
      throw new FleetError(
        "invalid_argument",
        `The provisioner key belongs to another organization than "${named}". Unset --org and CODER_ORGANIZATION, or use a key of "${named}".`,
      );
    }
    return organization.id;
  }

  async function requireKeyHolder(key: DaemonKey, daemonId: string): Promise<void> {
    // A daemon's id never moves to another key, so a cached answer stays valid; what a user may do changes.
    if (!key.user && keyOfDaemon.get(daemonId) === key.id) return;
    const daemon = isUuid(daemonId) ? await store.keyOf(daemonId) : null;
    if (keyOfDaemon.size >= CACHED_DAEMONS) keyOfDaemon.clear();
    if (!daemon || !holds(key, daemon)) {
      throw new FleetError("failed_precondition", "The provisioner daemon is not registered.");
    }
    if (key.user) requireServing(key.user, daemon.organizationId, daemon.tags);
    else keyOfDaemon.set(daemonId, daemon.keyId);
  }

  return {
    async authenticate(credentials) {
      if (credentials.key) {
        const key = await store.findKey(hashToken(credentials.key));
        if (!key) throw new DaemonUnauthenticated();
        const { id, organizationId } = key;
        return { id, organizationId, tags: { ...UNTAGGED, ...(key.tags as Tags) }, user: undefined };
      }
      if (!credentials.psk && credentials.session) {
        const user = await authenticateUser(credentials.session);
        return { id: BUILT_IN_KEYS.userAuth.id, organizationId: undefined, tags: undefined, user };
      }
      if (!credentials.psk || !pskHash || !sameHash(hashToken(credentials.psk), pskHash)) {
        throw new DaemonUnauthenticated();
      }
      return { id: BUILT_IN_KEYS.psk.id, organizationId: undefined, tags: undefined, user: undefined };
    },

    async register(key, registration) {
      const { id, name, slots, runningJobIds } = registration;
      if (!isUuid(id))
        throw new FleetError("invalid_argument", "The provisioner daemon's ID must be a UUID.");
      if (!NAME.test(name)) {
        throw new FleetError(
          "invalid_argument",
          `"${name}" is not a valid provisioner name. Use letters, digits, dots and hyphens.`,
        );
      }
      const organizationId = await organizationOf(key, registration.organization);
      const holder = await store.keyOf(id);
      if (holder && !holds(key, holder)) throw new DaemonUnauthenticated();
      const tags = tagsOf(key, registration.tags);
      if (key.user) requireServing(key.user, organizationId, tags);
      const now = clock.now();
      const staleBefore = new Date(now.getTime() - DAEMON_STALE_MS);
      const daemon = {
        id,
        organizationId,
        ...credentialOf(key),
        name,
        version: registration.version.slice(0, VERSION_LENGTH),
        provisioners: registration.provisioners.slice(0, PROVISIONERS),
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

    async offers(key, daemonId, limit, signal) {
      await requireKeyHolder(key, daemonId);
      return jobOffers.wait(daemonId, Math.min(Math.max(limit, 1), MAX_OFFERS), signal);
    },

    requireKeyHolder,
    file: async (key, fileId) => (isUuid(fileId) ? store.file(fileId, credentialOf(key)) : undefined),

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
      if (!NAME.test(request.name) || BUILT_IN_NAMES.includes(request.name)) {
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

/** The key as daemons are stored with it. */
export function credentialOf({ id, user }: DaemonKey): Credential {
  return { keyId: id, userId: user?.userId ?? null };
}

/** True if the daemon was registered with this credential. */
function holds(key: DaemonKey, daemon: Credential): boolean {
  const { keyId, userId } = credentialOf(key);
  return daemon.keyId === keyId && daemon.userId === userId;
}

/** A provisioner key has its own tags, which its daemons cannot change; a user's own jobs are the user's. */
function tagsOf(key: DaemonKey, asked: Tags): Tags {
  const entries = Object.entries(asked);
  if (entries.length > TAGS || entries.some((pair) => pair.some((text) => text.length > TAG_LENGTH))) {
    throw new FleetError(
      "invalid_argument",
      `A provisioner daemon can have at most ${TAGS} tags of at most ${TAG_LENGTH} characters.`,
    );
  }
  if (key.tags) {
    const owner = key.tags.owner ?? "";
    if (entries.length === 0 || formatTags(completeTags(asked, owner)) === formatTags(key.tags))
      return key.tags;
    throw new FleetError(
      "invalid_argument",
      `The provisioner key has its own tags: ${formatTags(key.tags)}. Unset --tag and CODER_PROVISIONERD_TAGS, or create a key with other tags.`,
    );
  }
  return completeTags(asked, key.user ? key.user.userId : (asked.owner ?? ""));
}

/** @throws permission_denied unless the user may run a daemon with these tags for the organization. */
function requireServing(user: UserActor, orgId: string, tags: Tags): void {
  const ownerId = tags.scope === "user" ? tags.owner : undefined;
  const object = { type: "provisioner_daemon" as const, orgId, ...(ownerId ? { ownerId } : {}) };
  if (!authorizer.can(user, "create", object)) throw new DaemonForbidden();
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

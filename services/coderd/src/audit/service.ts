import { randomUUID } from "node:crypto";
import { FleetError, type Logger } from "@fleet/base";
import type { Actor } from "../auth/actor.js";
import { authorizer, requireUser } from "../auth/authorizer.js";
import type { UnitOfWork } from "../database/unit-of-work.js";
import { pagesOf } from "../search/pages.js";
import { diffOf } from "./diff.js";
import { type AuditedObject, type AuditedType, type ObjectKey, SECRET_FIELDS } from "./objects.js";
import type { AuditedObjects } from "./objects-store.js";
import { type AuditFilter, parseAuditQuery } from "./query.js";
import type { AuditPage, AuditStore, NewAuditEntry } from "./store.js";

export type AuditAction =
  | "create"
  | "read"
  | "write"
  | "delete"
  | "start"
  | "stop"
  | "login"
  | "logout"
  | "request_password_reset";

/** The request behind an audited action. */
export type AuditedRequest = { requestId: string; ip: string; userAgent: string };

export type AuditEvent = AuditedRequest & {
  /** The entry's id, set so that a retried request leaves only one entry. */
  id?: string | undefined;
  /** Undefined if the user is unknown, as for a failed login. */
  userId: string | undefined;
  action: AuditAction;
  type: AuditedType;
  before: AuditedObject | undefined;
  after: AuditedObject | undefined;
  /** Additional fields from the response. */
  facts?: Record<string, unknown> | undefined;
  /** HTTP status of the response. */
  status: number;
};

/** An action the platform performed on behalf of a user, on the object with this id. */
export type PlatformAct = Pick<AuditEvent, "userId" | "action" | "type" | "before"> & { id: string };

const DONE = 200;
const NOT_MODIFIED = 304;
const PAGE_LIMIT = 1_000;
const DEFAULT_PAGE = 100;
/** Maximum stored length of User-Agent, in characters. */
const USER_AGENT_LENGTH = 512;

/** The audit log: who changed what, with old and new values. */
export type Audit = {
  /**
   * Writes an entry, and a log line once it is committed. Throws if the entry cannot be written, so that the change
   * itself is rolled back.
   */
  record(event: AuditEvent): Promise<void>;
  /**
   * Runs an action that the platform takes on its own and records it in the same transaction.
   * @returns whether anything was done.
   */
  byItself(work: () => Promise<readonly PlatformAct[]>): Promise<boolean>;
  /** The object before the action. Undefined if it does not exist. */
  before(type: AuditedType, key: ObjectKey | undefined): Promise<AuditedObject | undefined>;
  /** The object after the action. */
  after(
    type: AuditedType,
    key: ObjectKey | undefined,
    before: AuditedObject | undefined,
  ): Promise<AuditedObject | undefined>;
  /** One page of the entries that match the query, newest first, and how many there are. */
  list(
    actor: Actor,
    query: string,
    page: { limit?: number | undefined; offset?: number | undefined },
  ): Promise<AuditPage & { count: number }>;
  /** All entries that match the query, oldest first, in pages. Checks the request before the first page. */
  export(actor: Actor, query: string): AsyncIterable<AuditPage>;
};

export function createAudit(options: {
  store: AuditStore;
  objects: AuditedObjects;
  unitOfWork: UnitOfWork;
  logger: Logger;
  /** Passes the entry on to receivers outside, in the transaction that writes it. */
  publish(entry: NewAuditEntry & { id: string; time: Date }): Promise<void>;
}): Audit {
  const { store, objects, unitOfWork, logger, publish } = options;

  async function record(event: AuditEvent): Promise<void> {
    const object = event.after ?? event.before;
    if (!object || event.status === NOT_MODIFIED) return;
    const entry = entryOf(event, object);
    const written = await store.insert(entry);
    if (!written) return;
    await publish({ ...entry, ...written });
    const { diff, id: _, ...line } = entry;
    unitOfWork.afterCommit(() => logger.info("audit", { ...line, changed: Object.keys(diff) }));
  }

  return {
    record,

    byItself(work) {
      return unitOfWork.run(async () => {
        const acts = await work();
        const request = { requestId: randomUUID(), ip: "", userAgent: "", status: DONE };
        for (const { id, ...act } of acts)
          await record({ ...request, ...act, after: await objects.reload(act.type, { id }, act.before) });
        return acts.length > 0;
      });
    },

    before: async (type, key) => key && objects.load(type, key),

    after: async (type, key, before) => key && objects.reload(type, key, before),

    async list(actor, query, { limit, offset }) {
      const filter = filterOf(actor, query);
      const page = { limit: Math.min(limit || DEFAULT_PAGE, PAGE_LIMIT), offset: offset ?? 0 };
      const [listed, count] = await Promise.all([store.list(filter, page), store.count(filter)]);
      return { ...listed, count };
    },

    export(actor, query) {
      const filter = filterOf(actor, query);
      return pagesOf((last) => store.after(filter, last, PAGE_LIMIT));
    },
  };

  function filterOf(actor: Actor, query: string): AuditFilter {
    const { everywhere, organizations, ids } = authorizer.reach(requireUser(actor), "read", "audit_log");
    // A credential that is limited to single objects reads no log of all of them.
    if (ids || (!everywhere && organizations.length === 0)) {
      throw new FleetError("not_found", "Audit log not found, or you do not have access to it.");
    }
    return { ...parseAuditQuery(query), ...(everywhere ? {} : { organizationIds: organizations }) };
  }
}

function entryOf(event: AuditEvent, object: AuditedObject): NewAuditEntry {
  const succeeded = event.status < 400;
  return {
    id: event.id,
    userId: event.userId,
    organizationId: object.organizationId,
    ip: event.ip,
    userAgent: event.userAgent.slice(0, USER_AGENT_LENGTH),
    requestId: event.requestId,
    resourceType: event.type,
    resourceId: object.id,
    resourceTarget: object.target,
    resourceIcon: object.icon ?? "",
    action: event.action,
    statusCode: event.status,
    diff: succeeded ? diffOf(event.before?.fields, event.after?.fields, SECRET_FIELDS) : {},
    additionalFields: { ...object.facts, ...event.facts },
  };
}

import { errorMessage, FleetError, type Logger } from "@fleet/base";
import { reach } from "@fleet/rbac";
import type { Actor } from "../auth/actor.js";
import { requireUser } from "../auth/authorizer.js";
import { type Diff, diffOf } from "./diff.js";
import {
  type AuditedObject,
  type AuditedObjects,
  type AuditedType,
  type ObjectKey,
  SECRET_FIELDS,
} from "./objects.js";
import { parseAuditQuery } from "./query.js";
import type { AuditStore } from "./store.js";

export type AuditAction = "create" | "write" | "delete" | "start" | "stop" | "login" | "logout";

/** Who did it, and over which request. */
export type AuditedRequest = { requestId: string; ip: string; userAgent: string };

export type AuditEvent = AuditedRequest & {
  /** Of the entry, where a request that is sent again is to leave one only. */
  id?: string | undefined;
  /** Undefined: nobody known, as at a login that failed. */
  userId: string | undefined;
  action: AuditAction;
  type: AuditedType;
  before: AuditedObject | undefined;
  after: AuditedObject | undefined;
  /** HTTP status of the answer. */
  status: number;
};

const NOT_MODIFIED = 304;
const PAGE_LIMIT = 1_000;
const DEFAULT_PAGE = 100;

export type Audit = ReturnType<typeof createAudit>;

/** The audit log: who changed what, from what to what. */
export function createAudit(options: { store: AuditStore; objects: AuditedObjects; logger: Logger }) {
  const { store, objects, logger } = options;

  return {
    /** The object before, or after, it is acted upon. Undefined when it is not there, or cannot be read. */
    snapshot: (type: AuditedType, key: ObjectKey | undefined): Promise<AuditedObject | undefined> =>
      key ? objects.load(type, key).catch(() => undefined) : Promise.resolve(undefined),

    /** Writes an entry, and a log line. A failure is logged: it must not undo what was done. */
    async record(event: AuditEvent): Promise<void> {
      const object = event.after ?? event.before;
      if (!object || event.status === NOT_MODIFIED) return;
      const succeeded = event.status < 400;
      const diff: Diff = succeeded ? diffOf(event.before?.fields, event.after?.fields, SECRET_FIELDS) : {};
      const entry = {
        id: event.id,
        userId: event.userId,
        organizationId: object.organizationId,
        ip: event.ip,
        userAgent: event.userAgent,
        requestId: event.requestId,
        resourceType: event.type,
        resourceId: object.id,
        resourceTarget: object.target,
        resourceIcon: object.icon ?? "",
        action: event.action,
        statusCode: event.status,
        diff,
        additionalFields: object.facts ?? {},
      };
      const written = await store.insert(entry).catch((error) => {
        logger.error("an audit entry was not stored", {
          requestId: event.requestId,
          error: errorMessage(error),
        });
        return true;
      });
      const { diff: _, id: __, ...line } = entry;
      if (written) logger.info("audit", { ...line, changed: Object.keys(diff) });
    },

    async list(
      actor: Actor,
      query: string,
      page: { limit?: number | undefined; offset?: number | undefined },
    ) {
      const { everywhere, organizations } = reach(requireUser(actor).subject, "read", "audit_log");
      if (!everywhere && organizations.length === 0) {
        throw new FleetError("not_found", "There is no audit log here, or you may not see it.");
      }
      return store.list(
        { ...parseAuditQuery(query), ...(everywhere ? {} : { organizationIds: organizations }) },
        {
          limit: Math.min(page.limit || DEFAULT_PAGE, PAGE_LIMIT),
          offset: page.offset ?? 0,
        },
      );
    },
  };
}

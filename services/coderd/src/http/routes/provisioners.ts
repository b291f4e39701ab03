import { FleetError, isFleetError } from "@fleet/base";
import type { Actor } from "../../auth/actor.js";
import { authorizer } from "../../auth/authorizer.js";
import { toDaemon, toProvisionerJob } from "../../convert/jobs.js";
import type { Organizations } from "../../organizations/service.js";
import { UpstreamDaemonRefused } from "../../provisionerdaemons/errors.js";
import type { ProvisionerDaemons } from "../../provisionerdaemons/service.js";
import type { ProvisionerKeyRow } from "../../provisionerdaemons/store.js";
import { JobNotFound } from "../../provisionerjobs/errors.js";
import type { ProvisionerJobs } from "../../provisionerjobs/service.js";
import { JOB_STATUSES, type JobStatus } from "../../provisionerjobs/status.js";
import type { Users } from "../../users/service.js";
import type { Handlers } from "../handler.js";

export type ProvisionerHandlerOptions = {
  provisionerDaemons: ProvisionerDaemons;
  jobs: ProvisionerJobs;
  organizations: Organizations;
  users: Users;
};

const LIST_LIMIT = 50;
const LIST_MAX = 1_000;

export function createProvisionerHandlers({
  provisionerDaemons: daemons,
  jobs,
  organizations,
  users,
}: ProvisionerHandlerOptions) {
  async function jobsOrganization(actor: Actor, organization: string): Promise<string> {
    const { id } = await organizations.require(actor, "read", organization);
    authorizer.require(actor, "read", { type: "provisioner_jobs", orgId: id }, new JobNotFound(""));
    return id;
  }

  /** Null if there is none: who may read jobs may not ask for users. */
  async function knownUser(actor: Actor, user: string) {
    return users.find(actor, user).catch((error) => {
      if (isFleetError(error, "not_found")) return null;
      throw error;
    });
  }

  return {
    provisionerDaemonList: async ({ actor, params, query }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const list = await daemons.list(actor, {
        organizationId: id,
        ids: query.ids,
        tags: tagsOf(query.tags),
        limit: limitOf(query.limit),
      });
      const wanted = query.status?.split(",");
      return list
        .filter(({ status }) =>
          wanted ? wanted.includes(status) : query.offline !== false || status !== "offline",
        )
        .map(toDaemon);
    },
    provisionerDaemonServe: () => Promise.reject(new UpstreamDaemonRefused()),
    provisionerJobList: async ({ actor, params, query }) => {
      const organizationId = await jobsOrganization(actor, params.organization);
      const initiator = query.initiator ? await knownUser(actor, query.initiator) : undefined;
      if (initiator === null) return [];
      const list = await jobs.list({
        organizationId,
        ids: query.ids,
        tags: tagsOf(query.tags),
        status: query.status?.split(",").map(toStatus),
        initiatorId: initiator?.id,
        limit: limitOf(query.limit),
      });
      return list.map(toProvisionerJob);
    },
    provisionerJobGet: async ({ actor, params }) => {
      const organizationId = await jobsOrganization(actor, params.organization);
      const job = await jobs.view(params.job);
      if (job.organizationId !== organizationId) throw new JobNotFound(params.job);
      return toProvisionerJob(job);
    },
    provisionerKeyList: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      return (await daemons.listKeys(actor, id)).map(toKey);
    },
    provisionerKeyCreate: async ({ actor, params, body }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      return { key: await daemons.createKey(actor, id, { name: body.name, tags: body.tags ?? {} }) };
    },
    provisionerKeyDaemonList: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      const keys = await daemons.listKeys(actor, id);
      const list = await daemons.list(actor, { organizationId: id, limit: LIST_MAX });
      return keys.map((key) => ({
        key: toKey(key),
        daemons: list.filter(({ keyId }) => keyId === key.id).map(toDaemon),
      }));
    },
    provisionerKeyDelete: async ({ actor, params }) => {
      const { id } = await organizations.require(actor, "read", params.organization);
      await daemons.deleteKey(actor, id, params.keyName);
      return undefined;
    },
  } satisfies Partial<Handlers>;
}

function toKey(key: ProvisionerKeyRow) {
  return {
    id: key.id,
    created_at: key.createdAt.toISOString(),
    organization: key.organizationId,
    name: key.name,
    tags: key.tags as Record<string, string>,
  };
}

function limitOf(limit: number | undefined): number {
  return Math.min(limit || LIST_LIMIT, LIST_MAX);
}

function tagsOf(text: string | undefined): Record<string, string> | undefined {
  if (!text) return undefined;
  try {
    const tags: unknown = JSON.parse(text);
    if (
      typeof tags === "object" &&
      !Array.isArray(tags) &&
      tags !== null &&
      Object.values(tags).every((value) => typeof value === "string")
    ) {
      return tags as Record<string, string>;
    }
  } catch {}
  throw invalid("tags", 'Tags must be a JSON object of strings, for example {"region":"eu"}.');
}

function toStatus(text: string): JobStatus {
  const status = JOB_STATUSES.find((one) => one === text);
  if (status) return status;
  throw invalid("status", `"${text}" is not a valid status. Valid values: ${JOB_STATUSES.join(", ")}.`);
}

function invalid(field: string, detail: string): FleetError {
  return new FleetError("invalid_argument", detail, { validations: [{ field, detail }] });
}

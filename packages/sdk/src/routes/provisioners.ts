import { PROVISIONER_RPC_PROTOCOL } from "@fleet/base";
import * as z from "zod";
import { route } from "../route.js";
import {
  CreateProvisionerKeyRequest,
  CreateProvisionerKeyResponse,
  ProvisionerDaemon,
  ProvisionerJob,
  ProvisionerKey,
  ProvisionerKeyDaemons,
} from "../types/index.js";
import { INT4_MAX, Name, queryBoolean, queryIds, queryInt, Search } from "../wire.js";

/** `tags` is a JSON object; `ids` are joined by commas. */
const filters = {
  limit: queryInt(0, INT4_MAX).optional(),
  ids: queryIds.optional(),
  tags: Search.optional(),
};

export const provisionerRoutes = {
  provisionerDaemonList: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerdaemons",
    summary: "List provisioner daemons.",
    access: { resource: "provisioner_daemon", action: "read" },
    query: z.object({ ...filters, status: Search.optional(), offline: queryBoolean.optional() }),
    response: z.array(ProvisionerDaemon),
  }),
  provisionerDaemonServe: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerdaemons/serve",
    summary: "Refuse provisioner daemons of other products, with a message that says how to start one.",
    access: "public",
    stream: "websocket",
  }),
  provisionerRpc: route({
    method: "GET",
    path: "/api/v2/provisionerdaemons/rpc",
    summary:
      "Open an external provisioner daemon's connection: HTTP/2 and gRPC coder.provisioner.v1 on the raw stream.",
    access: "provisioner",
    stream: "upgrade",
    protocol: PROVISIONER_RPC_PROTOCOL,
    status: 101,
  }),
  provisionerJobList: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerjobs",
    summary: "List provisioner jobs, newest first.",
    access: { resource: "provisioner_jobs", action: "read" },
    query: z.object({ ...filters, status: Search.optional(), initiator: Name.optional() }),
    response: z.array(ProvisionerJob),
  }),
  provisionerJobGet: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerjobs/:job",
    summary: "Get a job.",
    access: { resource: "provisioner_jobs", action: "read" },
    response: ProvisionerJob,
  }),
  provisionerKeyList: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerkeys",
    summary: "List provisioner keys.",
    access: { resource: "provisioner_keys", action: "read" },
    response: z.array(ProvisionerKey),
  }),
  provisionerKeyCreate: route({
    method: "POST",
    path: "/api/v2/organizations/:organization/provisionerkeys",
    summary: "Create a provisioner key.",
    access: { resource: "provisioner_keys", action: "create" },
    status: 201,
    body: CreateProvisionerKeyRequest,
    response: CreateProvisionerKeyResponse,
  }),
  provisionerKeyDaemonList: route({
    method: "GET",
    path: "/api/v2/organizations/:organization/provisionerkeys/daemons",
    summary: "List provisioner daemons by provisioner key.",
    access: { resource: "provisioner_keys", action: "read" },
    response: z.array(ProvisionerKeyDaemons),
  }),
  provisionerKeyDelete: route({
    method: "DELETE",
    path: "/api/v2/organizations/:organization/provisionerkeys/:keyName",
    summary: "Delete a provisioner key.",
    access: { resource: "provisioner_keys", action: "delete" },
    status: 204,
  }),
};

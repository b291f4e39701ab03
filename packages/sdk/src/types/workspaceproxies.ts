import * as z from "zod";
import { Label, maybe, Name, Timestamp, Url } from "../wire.js";
import { Region } from "./deployment.js";

export const WorkspaceProxy = Region.extend({
  derp_enabled: z.boolean(),
  derp_only: z.boolean(),
  status: z
    .object({
      status: z.enum(["ok", "unhealthy", "unreachable", "unregistered"]),
      report: z.object({ errors: z.array(z.string()), warnings: z.array(z.string()) }).optional(),
      checked_at: Timestamp.optional(),
    })
    .optional(),
  created_at: Timestamp,
  updated_at: Timestamp,
  deleted: z.boolean(),
  version: z.string(),
});
export type WorkspaceProxy = z.infer<typeof WorkspaceProxy>;

export const WorkspaceProxiesResponse = z.object({ regions: z.array(WorkspaceProxy) });
export type WorkspaceProxiesResponse = z.infer<typeof WorkspaceProxiesResponse>;

export const CreateWorkspaceProxyRequest = z.object({
  name: Name,
  display_name: maybe(Label),
  icon: maybe(Url),
});
export type CreateWorkspaceProxyRequest = z.input<typeof CreateWorkspaceProxyRequest>;

/** `proxy_token` is shown only once, here. */
export const UpdateWorkspaceProxyResponse = z.object({
  proxy: WorkspaceProxy,
  proxy_token: z.string().optional(),
});
export type UpdateWorkspaceProxyResponse = z.infer<typeof UpdateWorkspaceProxyResponse>;

export const UpdateWorkspaceProxyRequest = z.object({
  name: maybe(Name),
  display_name: maybe(Label),
  icon: maybe(Url),
  regenerate_token: maybe(z.boolean()),
});
export type UpdateWorkspaceProxyRequest = z.input<typeof UpdateWorkspaceProxyRequest>;

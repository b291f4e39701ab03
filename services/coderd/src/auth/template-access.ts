import type { AccessObject, Action } from "@fleet/rbac";
import { type StoredAcl, toAcl } from "./acl.js";

/** Roles in a template's access list. */
export type TemplateRole = "use" | "admin";

/** Roles by user or group id. */
export type TemplateAcl = StoredAcl<TemplateRole>;

export const TEMPLATE_ACTIONS: Record<TemplateRole, readonly Action[]> = {
  use: ["read", "use"],
  admin: ["read", "use", "update", "delete", "view_insights"],
};

export type TemplateAccess = { id: string; organizationId: string; userAcl: unknown; groupAcl: unknown };

/** The template as a policy object. */
export function accessOf(template: TemplateAccess): AccessObject {
  return {
    type: "template",
    id: template.id,
    orgId: template.organizationId,
    acl: toAcl(template, TEMPLATE_ACTIONS),
  };
}

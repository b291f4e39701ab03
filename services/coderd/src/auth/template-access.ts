import type { AccessObject, Action } from "@fleet/rbac";

/** Roles in a template's access list. */
export type TemplateRole = "use" | "admin";

/** Roles by user or group id. */
export type TemplateAcl = Record<string, TemplateRole[]>;

const ACTIONS: Record<TemplateRole, Action[]> = {
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
    acl: { users: actionsOf(template.userAcl), groups: actionsOf(template.groupAcl) },
  };
}

function actionsOf(acl: unknown): Record<string, Action[]> {
  const entries = Object.entries((acl ?? {}) as TemplateAcl);
  return Object.fromEntries(entries.map(([id, roles]) => [id, roles.flatMap((role) => ACTIONS[role] ?? [])]));
}

import { type Action, isPermission, RESOURCE_ACTIONS, RESOURCES, type Resource } from "./resources.js";

/** Other names of scopes that are stored under their shorter one. */
const ALIASES: Readonly<Record<string, string>> = {
  "coder:all": "all",
  "coder:application_connect": "application_connect",
};

type Grants = { readonly [R in Resource]?: readonly Action[] };

/** Scopes that stand for the permissions of one task, under the names that upstream documents. */
const COMPOSITE: Readonly<Record<string, Grants>> = {
  application_connect: { workspace: ["application_connect"] },
  "coder:apikeys.manage_self": { api_key: ["create", "read", "update", "delete"] },
  "coder:templates.author": {
    file: ["create", "read"],
    template: ["create", "read", "update", "delete", "view_insights"],
  },
  "coder:templates.build": { file: ["create", "read"], provisioner_jobs: ["read"], template: ["read"] },
  "coder:workspaces.access": {
    organization_member: ["read"],
    template: ["read"],
    workspace: ["read", "ssh", "application_connect"],
  },
  "coder:workspaces.create": {
    organization_member: ["read"],
    template: ["read", "use"],
    workspace: ["create", "read", "update", "start", "stop"],
  },
  "coder:workspaces.delete": {
    organization_member: ["read"],
    template: ["read", "use"],
    workspace: ["read", "delete"],
  },
  "coder:workspaces.operate": {
    organization_member: ["read"],
    template: ["read"],
    workspace: ["read", "update", "start", "stop"],
  },
};

/** Every scope that a credential can have, as listed by `GET /auth/scopes`. */
export const SCOPES: readonly string[] = [
  "all",
  ...Object.keys(ALIASES),
  ...Object.keys(COMPOSITE),
  ...RESOURCES.flatMap((resource) => [
    `${resource}:*`,
    ...RESOURCE_ACTIONS[resource].map((action) => `${resource}:${action}`),
  ]),
];

/** Whether a credential may have this scope. */
export function isScope(text: string): boolean {
  return text === "all" || Object.hasOwn(ALIASES, text) || grantsOf(text) !== undefined;
}

/** The name under which the scope is stored. */
export function canonicalScope(text: string): string {
  return Object.hasOwn(ALIASES, text) ? ALIASES[text]! : text;
}

/** Whether the scopes do not limit their credential. */
export function isUnlimited(scope: readonly string[] | undefined): boolean {
  return scope === undefined || scope.includes("all");
}

/**
 * Whether a credential with this scope may do the action at all. Empty and unknown scopes allow nothing; an absent one
 * allows everything. A dormant workspace is a workspace.
 */
export function scopeAllows(scope: readonly string[] | undefined, action: Action, type: Resource): boolean {
  if (isUnlimited(scope)) return true;
  const resource = type === "workspace_dormant" ? "workspace" : type;
  return scope!.some((entry) => {
    const grants = grantsOf(entry);
    return Boolean(grants?.[resource]?.includes(action) || grants?.[type]?.includes(action));
  });
}

/** Whether everything that the wanted scopes allow is allowed by the held ones. Only `all` covers `all`. */
export function scopeCovers(held: readonly string[] | undefined, wanted: readonly string[]): boolean {
  if (isUnlimited(held)) return true;
  return wanted.every((entry) => {
    const grants = grantsOf(entry);
    return (
      grants !== undefined && permissionsIn(grants).every(([type, action]) => scopeAllows(held, action, type))
    );
  });
}

/** What the scopes allow together, by resource; undefined: everything. Unknown scopes add nothing. */
export function scopeGrants(scope: readonly string[]): ReadonlyMap<Resource, readonly Action[]> | undefined {
  if (isUnlimited(scope)) return undefined;
  const found = new Map<Resource, readonly Action[]>();
  for (const [type, action] of scope.flatMap((entry) => permissionsIn(grantsOf(entry) ?? {}))) {
    const actions = found.get(type) ?? [];
    if (!actions.includes(action)) found.set(type, [...actions, action]);
  }
  return found;
}

/** The permissions of a scope; undefined for `all`, and for text that is not a scope. */
function grantsOf(scope: string): Grants | undefined {
  if (Object.hasOwn(COMPOSITE, scope)) return COMPOSITE[scope];
  const [resource = "", action = "", ...rest] = scope.split(":");
  if (rest.length > 0 || !Object.hasOwn(RESOURCE_ACTIONS, resource)) return undefined;
  if (action === "*") return { [resource]: RESOURCE_ACTIONS[resource as Resource] };
  return isPermission(resource, action) ? { [resource]: [action as Action] } : undefined;
}

function permissionsIn(grants: Grants): [Resource, Action][] {
  return Object.entries(grants).flatMap(([type, actions]) =>
    (actions ?? []).map((action): [Resource, Action] => [type as Resource, action]),
  );
}

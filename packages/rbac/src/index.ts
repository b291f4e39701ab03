export {
  allowListCovers,
  allowsEverything,
  formatAllowListEntry,
  parseAllowListEntry,
} from "./allow-list.js";
export { assignableRoles, canAssignRole, canManageUser, holdsAll, holdsOwner } from "./assign.js";
export { authorize, type Reach, reach } from "./authorize.js";
export { canDefineRole, customRole, type RolePermission, storedRole } from "./custom.js";
export {
  type Action,
  isPermission,
  type Permission,
  RESOURCE_ACTIONS,
  RESOURCES,
  type Resource,
} from "./resources.js";
export {
  DEFAULT_MEMBER_ROLES,
  ORGANIZATION_ROLES,
  type OrganizationRoleName,
  OWNER_WITHOUT_WORKSPACE_ACCESS,
  type Permissions,
  type Role,
  SITE_ROLES,
  type SiteRoleName,
} from "./roles.js";
export {
  canonicalScope,
  isScope,
  isUnlimited,
  SCOPES,
  scopeAllows,
  scopeCovers,
  scopeGrants,
} from "./scope.js";
export {
  type AccessControlList,
  type AccessObject,
  type AllowListEntry,
  agentSubject,
  type Subject,
  SYSTEM,
} from "./subject.js";

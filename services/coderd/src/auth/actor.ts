import type { AccessObject, Action, Subject } from "@fleet/rbac";

/** A session token and where the request carried it. */
export type FoundToken = { token: string; via: "header" | "cookie" | "query" };

/** A user, authenticated by one of its keys. */
export type UserActor = {
  kind: "user";
  userId: string;
  username: string;
  email: string;
  /** The policy's input: roles, organizations, groups and the key's scope. */
  subject: Subject;
  organizationIds: readonly string[];
  apiKeyId: string;
  /** When the key expires, unless use extends it. */
  expiresAt: Date;
  /** The key is a user-created token rather than a session. */
  byToken: boolean;
  /** The key is an access token of an OAuth2 app: what is created with it ends with it. */
  byApp: boolean;
  /** Called with each policy check for this actor and its result. */
  onAsked?: (object: AccessObject, action: Action, granted: boolean) => void;
  /** Where the token came from. Cookies are checked for cross-site requests. */
  via: FoundToken["via"];
};

/** A workspace agent, authenticated by its token. */
export type AgentActor = {
  kind: "agent";
  agentId: string;
  workspaceId: string;
  ownerId: string;
  /** False while the owner is suspended: the workspace keeps running but gets none of the owner's data. */
  ownerActive: boolean;
  /** False if the template withholds the owner's data: `api_key_scope = "no_user_data"`. */
  userData: boolean;
  subject: Subject;
};

/** An identity provider that provisions users and groups, authenticated by the deployment's SCIM token. */
export type ScimActor = { kind: "scim" };

/** Unauthenticated, on a public route. */
export type Anonymous = { kind: "anonymous" };

export type Actor = UserActor | AgentActor | ScimActor | Anonymous;

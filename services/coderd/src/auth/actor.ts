import type { AccessObject, Action, Subject } from "@fleet/rbac";

/** A session token, and where the request had it. */
export type FoundToken = { token: string; via: "header" | "cookie" | "query" };

/** A signed-in user, by one of its keys. */
export type UserActor = {
  kind: "user";
  userId: string;
  username: string;
  email: string;
  /** What the policy decides by: roles, organizations, groups and the key's scope. */
  subject: Subject;
  organizationIds: readonly string[];
  apiKeyId: string;
  /** When the key ends, unless its use extends it. */
  expiresAt: Date;
  /** The key is one that its user made, as opposed to a session. */
  byToken: boolean;
  /** Told of what the policy is asked for this actor, and of its answer. */
  onAsked?: (object: AccessObject, action: Action, granted: boolean) => void;
  /** How the token came: a cookie is checked against cross-site requests. */
  via: FoundToken["via"];
};

/** A workspace agent, by its token. */
export type AgentActor = {
  kind: "agent";
  agentId: string;
  workspaceId: string;
  ownerId: string;
  /** False while the owner is suspended: the workspace runs on, but gets nothing of the owner's any more. */
  ownerActive: boolean;
  /** False where the template gives the agent none of the owner's data: `api_key_scope = "no_user_data"`. */
  userData: boolean;
  subject: Subject;
};

/** Nobody: a public route. */
export type Anonymous = { kind: "anonymous" };

export type Actor = UserActor | AgentActor | Anonymous;

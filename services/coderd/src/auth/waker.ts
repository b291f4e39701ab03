import type { UserActor } from "./actor.js";

/**
 * The actor as whom opening an app starts its workspace. The session of an app's host may open apps and nothing else; where
 * the template says that opening an app starts the workspace, it acts as its user.
 */
export function wakerOf(actor: UserActor): UserActor {
  const { scope, ...subject } = actor.subject;
  return scope?.length === 1 && scope[0] === "application_connect" ? { ...actor, subject } : actor;
}

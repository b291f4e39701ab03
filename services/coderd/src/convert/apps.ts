import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Verdict } from "@fleet/base";
import {
  type AccessMethod,
  type AuthorizeAppResponseSchema,
  CheckedGrant_Verdict,
  type CheckedGrantSchema,
  GrantKind,
  type GrantSchema,
} from "@fleet/proto-gen/proxy";
import type { AppDecision, AppTarget } from "../apps/service.js";
import type { UserActor } from "../auth/actor.js";

export function toAppDecision(
  decision: AppDecision,
  accessMethod: AccessMethod,
): MessageInitShape<typeof AuthorizeAppResponseSchema> {
  switch (decision.kind) {
    case "granted":
      return {
        decision: {
          case: "granted",
          value: {
            signedToken: decision.token,
            expiresAtMs: BigInt(decision.expiresAtMs),
            target: { ...decision.target, grant: toAppGrant(decision.actor, decision.target, accessMethod) },
          },
        },
      };
    case "redirect":
      return { decision: { case: "redirectUrl", value: decision.url } };
    case "refused":
      return {
        decision: {
          case: "refused",
          value: {
            status: decision.status,
            title: decision.title,
            message: decision.message,
            actionUrl: decision.action?.url ?? "",
            actionLabel: decision.action?.label ?? "",
            wakeableWorkspaceId: decision.wakeable ?? "",
            starting: decision.starting ?? false,
          },
        },
      };
  }
}

export function toCheckedGrant(verdict: Verdict): MessageInitShape<typeof CheckedGrantSchema> {
  if (!verdict) return { verdict: CheckedGrant_Verdict.UNSPECIFIED };
  if (!verdict.holds) return { verdict: CheckedGrant_Verdict.ENDED, reason: verdict.reason.message };
  return { verdict: CheckedGrant_Verdict.HOLDS, expiresAtMs: BigInt(verdict.expiresAtMs ?? 0) };
}

/** The grant of a user's stream to an agent. */
export function toAgentStreamGrant(
  actor: UserActor,
  { agentId, workspaceId }: { agentId: string; workspaceId: string },
): MessageInitShape<typeof GrantSchema> {
  return {
    kind: GrantKind.AGENT_STREAM,
    keyId: actor.apiKeyId,
    userId: actor.userId,
    workspaceId,
    agentId,
    expiresAtMs: BigInt(actor.expiresAt.getTime()),
  };
}

/** The grant of a stream that an SSH client opened: it ends with the client's key, or with the session that allowed it. */
export function toSshGrant(
  actor: UserActor,
  sshKeyId: string,
  target: { agentId: string; workspaceId: string },
): MessageInitShape<typeof GrantSchema> {
  return { ...toAgentStreamGrant(actor, target), ...(sshKeyId && { sshKeyId, expiresAtMs: 0n }) };
}

/** The grant of an app opened by a user or an anonymous visitor. */
function toAppGrant(
  actor: UserActor | undefined,
  target: AppTarget,
  accessMethod: AccessMethod,
): MessageInitShape<typeof GrantSchema> {
  return {
    kind: GrantKind.APP,
    keyId: actor?.apiKeyId ?? "",
    userId: target.userId,
    workspaceId: target.workspaceId,
    agentId: target.agentId,
    accessMethod,
    appSlugOrPort: target.slugOrPort,
    expiresAtMs: BigInt(actor?.expiresAt.getTime() ?? 0),
  };
}

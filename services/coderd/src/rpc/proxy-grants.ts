import type { MessageInitShape } from "@bufbuild/protobuf";
import { FleetError, type Logger } from "@fleet/base";
import { AccessMethod, type CheckedGrantSchema, type Grant, GrantKind } from "@fleet/proto-gen/proxy";
import type { Agents } from "../agents/service.js";
import type { Apps, AccessMethod as Method } from "../apps/service.js";
import { toCheckedGrant } from "../convert/apps.js";
import { answerAll } from "../grants/questions.js";
import type { SshKeys } from "../sshaccess/keys.js";

/** Maximum grants per call. */
const GRANTS_PER_CALL = 500;

const METHODS = {
  [AccessMethod.PATH]: "path",
  [AccessMethod.SUBDOMAIN]: "subdomain",
  [AccessMethod.TERMINAL]: "terminal",
} as const;

/** The method from the protocol message. Undefined if missing. */
export function methodOf(method: AccessMethod): Method | undefined {
  return METHODS[method as keyof typeof METHODS];
}

export type GrantChecker = (
  grants: readonly Grant[],
) => Promise<MessageInitShape<typeof CheckedGrantSchema>[]>;

/** Tells proxies whether their open connections would still be allowed now. */
export function createGrantChecker(options: {
  agents: Agents;
  sshKeys: SshKeys;
  apps: Apps;
  logger: Logger;
}): GrantChecker {
  const { agents, sshKeys, apps } = options;

  /** Throws the error that a new request would get now. */
  async function requireHeld(grant: Grant): Promise<{ expiresAt?: Date }> {
    const { keyId, workspaceId, agentId, appSlugOrPort: slugOrPort } = grant;
    switch (grant.kind) {
      case GrantKind.TUNNEL:
        await agents.requireCurrent(agentId);
        return {};
      case GrantKind.AGENT_STREAM: {
        const { userId, sshKeyId } = grant;
        const actor = await sshKeys.actorOf({ userId, sshKeyId, keyId });
        await agents.access(actor, "ssh", agentId);
        return sshKeyId ? {} : actor;
      }
      case GrantKind.APP: {
        const method = methodOf(grant.accessMethod) ?? "path";
        return apps.requireOpen({ keyId, workspaceId, agentId, slugOrPort, method });
      }
      case GrantKind.UNSPECIFIED:
        throw new FleetError("invalid_argument", "The grant's kind is missing.");
    }
  }

  return async (grants) => {
    if (grants.length > GRANTS_PER_CALL)
      throw new FleetError("invalid_argument", `A call can include at most ${GRANTS_PER_CALL} grants.`);
    const verdicts = await answerAll(
      grants.map((grant) => () => requireHeld(grant)),
      options.logger,
    );
    return verdicts.map(toCheckedGrant);
  };
}

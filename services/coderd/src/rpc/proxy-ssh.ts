import type { CallContext, Handlers } from "@fleet/proto-gen";
import type { ProxyService, SshIdentity as SshIdentityMessage } from "@fleet/proto-gen/proxy";
import { toSshGrant } from "../convert/apps.js";
import type { SshIdentity } from "../sshaccess/keys.js";
import type { SshAccess } from "../sshaccess/service.js";

type ProxyHandlers = Handlers<(typeof ProxyService)["method"]>;

/** The calls of a proxy's SSH server. */
export function createSshHandlers(
  { keys, signIns, destinations }: SshAccess,
  identify: (context: CallContext) => Promise<unknown>,
) {
  return {
    async authenticateSshKey({ username, publicKey, used }, context) {
      await identify(context);
      return { identity: await keys.authenticate(username, publicKey, used) };
    },

    async beginSshSignIn({ username, address, client }, context) {
      await identify(context);
      const { id, url, code, expiresAt } = await signIns.begin({ username, address, client });
      return { id, url, code, expiresAtMs: BigInt(expiresAt.getTime()) };
    },

    async claimSshSignIn({ id }, context) {
      await identify(context);
      return { identity: await signIns.claim(id) };
    },

    async authorizeSsh({ identity, host }, context) {
      await identify(context);
      const known = identityOf(identity);
      const actor = await keys.actorOf(known);
      const { agentId, workspaceId, hostKey } = await destinations.resolve(actor, host);
      return {
        agentId,
        workspaceId,
        hostKey,
        grant: toSshGrant(actor, known.sshKeyId, { agentId, workspaceId }),
      };
    },
  } satisfies Partial<ProxyHandlers>;
}

/** A missing identity is nobody's. */
function identityOf(message: SshIdentityMessage | undefined): SshIdentity {
  const { userId = "", username = "", sshKeyId = "", keyId = "" } = message ?? {};
  return { userId, username, sshKeyId, keyId };
}

import { FleetError } from "@fleet/base";
import { hashToken } from "../../auth/tokens.js";
import type { IdentityStore } from "../identity-store.js";
import type { MachineIdentity } from "./documents.js";

/** Lets agents exchange their machine's identity, as its cloud attests it, for a token. */
export type InstanceIdentity = {
  /** @throws unauthenticated for a document that AWS has not signed, not_found if no agent belongs to the machine. */
  aws(request: { document: string; signature: string }): Promise<string>;
  /** @throws as `aws`. */
  azure(request: { signature: string }): Promise<string>;
  /** @throws as `aws`, and unavailable if Google's keys cannot be fetched. */
  google(request: { token: string }): Promise<string>;
};

export type InstanceIdentityOptions = {
  store: IdentityStore;
  verifiers: {
    aws(request: { document: string; signature: string }): MachineIdentity;
    azure(signature: string): Promise<MachineIdentity>;
    google(token: string): Promise<MachineIdentity>;
  };
  /** A secret for this purpose, the same on every replica. */
  derive(purpose: string): Promise<Buffer>;
};

export function createInstanceIdentity({
  store,
  verifiers,
  derive,
}: InstanceIdentityOptions): InstanceIdentity {
  /**
   * The same token each time: an agent that restarts, or a document that somebody sends again, does not end the session
   * of the agent that runs. A later build has agents of its own, and so other tokens.
   */
  async function tokenFor({ instanceId }: MachineIdentity): Promise<string> {
    const [agent, ...others] = await store.ofInstance(instanceId);
    if (!agent) {
      throw new FleetError(
        "not_found",
        `No agent of a running workspace belongs to the instance "${instanceId}".`,
      );
    }
    if (others.length > 0) {
      const names = [agent, ...others].map(({ agentName }) => agentName).join(", ");
      throw new FleetError(
        "failed_precondition",
        `Several agents belong to the instance "${instanceId}": ${names}. An instance can identify only one.`,
      );
    }
    const token = (await derive(`token of agent ${agent.agentId}`)).toString("base64url");
    await store.setToken(agent.agentId, new Uint8Array(hashToken(token)));
    return token;
  }

  return {
    aws: async (request) => tokenFor(verifiers.aws(request)),
    azure: async ({ signature }) => tokenFor(await verifiers.azure(signature)),
    google: async ({ token }) => tokenFor(await verifiers.google(token)),
  };
}

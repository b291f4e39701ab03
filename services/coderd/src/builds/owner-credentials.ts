import type { ExternalAuth } from "../externalauth/service.js";
import type { BuildFacts } from "./work-store.js";

/** A secret that a user stores for workspaces: its variable or file, and the value. */
export type UserSecretValue = { envName: string; filePath: string; value: string };

export type OwnerSecrets = {
  /** A session of the owner, valid while the workspace runs; empty for a stop or delete. */
  sessionToken: string;
  sshKey: { publicKey: string; privateKey: string };
  /** Tokens of external auth providers; only for a start. */
  externalAuth: { id: string; accessToken: string }[];
  /** What the owner stores for workspaces; only for a start. */
  userSecrets: UserSecretValue[];
};

/** What a workspace's owner lets its builds use. */
export type OwnerCredentials = {
  /** Nothing secret for a suspended owner. Tokens and secrets are for starts only. */
  of(
    fact: Pick<BuildFacts, "ownerId" | "ownerActive" | "transition" | "externalAuth">,
  ): Promise<Omit<OwnerSecrets, "sessionToken">>;
};

export function createOwnerCredentials(options: {
  sshKeys: { get(userId: string): Promise<OwnerSecrets["sshKey"]> };
  externalAuth: Pick<ExternalAuth, "tokensFor">;
  userSecrets: { valuesOf(userId: string): Promise<UserSecretValue[]> };
}): OwnerCredentials {
  const { sshKeys, externalAuth, userSecrets } = options;
  return {
    async of({ ownerId, ownerActive, transition, externalAuth: requested }) {
      const sshKey = await sshKeys.get(ownerId);
      if (!ownerActive) {
        return { sshKey: { ...sshKey, privateKey: "" }, externalAuth: [], userSecrets: [] };
      }
      if (transition !== "start") return { sshKey, externalAuth: [], userSecrets: [] };
      const [tokens, secrets] = await Promise.all([
        externalAuth.tokensFor(ownerId, requested),
        userSecrets.valuesOf(ownerId),
      ]);
      return { sshKey, externalAuth: tokens, userSecrets: secrets };
    },
  };
}

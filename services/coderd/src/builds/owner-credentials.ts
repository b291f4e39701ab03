import type { ExternalAuth } from "../externalauth/service.js";
import type { BuildFacts } from "./work-store.js";

/** A secret that a user stores for workspaces: its variable or file, and the value. */
export type UserSecretValue = { envName: string; filePath: string; value: string };

export type OwnerSecrets = {
  /** A session of the owner, valid while the workspace runs; empty for a stop or delete. */
  sessionToken: string;
  sshKey: { publicKey: string; privateKey: string };
  /** A valid access token of the owner's OpenID Connect provider; empty if there is none. */
  oidcAccessToken: string;
  /** Tokens of external auth providers; only for a start. */
  externalAuth: { id: string; accessToken: string }[];
  /** What the owner stores for workspaces; only for a start. */
  userSecrets: UserSecretValue[];
};

/** What a workspace's owner lets its builds use. */
export type OwnerCredentials = {
  /** Nothing secret for a suspended owner. Tokens and secrets are for starts only. */
  of(
    fact: Pick<BuildFacts, "ownerId" | "ownerActive" | "ownerLoginType" | "transition" | "externalAuth">,
  ): Promise<Omit<OwnerSecrets, "sessionToken">>;
};

export function createOwnerCredentials(options: {
  sshKeys: { get(userId: string): Promise<OwnerSecrets["sshKey"]> };
  oidcTokens: { accessToken(userId: string): Promise<string> };
  externalAuth: Pick<ExternalAuth, "tokensFor">;
  userSecrets: { valuesOf(userId: string): Promise<UserSecretValue[]> };
}): OwnerCredentials {
  const { sshKeys, oidcTokens, externalAuth, userSecrets } = options;
  return {
    async of({ ownerId, ownerActive, ownerLoginType, transition, externalAuth: requested }) {
      const sshKey = await sshKeys.get(ownerId);
      if (!ownerActive) {
        const publicHalf = { ...sshKey, privateKey: "" };
        return { sshKey: publicHalf, oidcAccessToken: "", externalAuth: [], userSecrets: [] };
      }
      const oidcAccessToken = ownerLoginType === "oidc" ? await oidcTokens.accessToken(ownerId) : "";
      if (transition !== "start") return { sshKey, oidcAccessToken, externalAuth: [], userSecrets: [] };
      const [tokens, secrets] = await Promise.all([
        externalAuth.tokensFor(ownerId, requested),
        userSecrets.valuesOf(ownerId),
      ]);
      return { sshKey, oidcAccessToken, externalAuth: tokens, userSecrets: secrets };
    },
  };
}

import { FleetError } from "@fleet/base";
import type { CryptoKeys } from "../../cryptokeys/service.js";
import type { SshKeyRow } from "../../sshaccess/keys-store.js";
import type { SshAccess } from "../../sshaccess/service.js";
import { createFormProof } from "../form-proof.js";
import type { Handlers } from "../handler.js";
import { sshSignInDonePage, sshSignInPage } from "../pages/ssh-sign-in.js";
import { Reply } from "../reply.js";

export function createSshAccessHandlers({
  sshAccess: { keys, signIns },
  cryptoKeys,
  accessUrl,
}: {
  sshAccess: SshAccess;
  cryptoKeys: CryptoKeys;
  accessUrl: string;
}) {
  const proofs = createFormProof(cryptoKeys, "SSH sign-in");

  /** To the dashboard's sign-in, and back. */
  function signInFirst(code: string): Reply {
    const url = new URL("/login", accessUrl);
    url.searchParams.set("redirect", `/ssh/sign-in?code=${encodeURIComponent(code)}`);
    return new Reply(undefined, {
      status: 303,
      headers: { Location: url.href, "Cache-Control": "no-store" },
    });
  }

  return {
    userSshKeyList: async ({ actor, params }) => (await keys.list(actor, params.user)).map(toUserSshKey),
    userSshKeyCreate: async ({ actor, params, body }) =>
      toUserSshKey(
        await keys.add(actor, params.user, { name: body.name ?? undefined, publicKey: body.public_key }),
      ),
    userSshKeyDelete: async ({ actor, params }) => {
      await keys.remove(actor, params.user, params.sshKey);
      return undefined;
    },

    sshSignIn: async ({ actor, query }) => {
      if (actor.kind !== "user") return signInFirst(query.code);
      const signIn = await signIns.question(actor, query.code);
      const { username } = actor;
      return sshSignInPage({ signIn, username, proof: await proofs.of(actor, query) });
    },

    sshSignInDecide: async ({ actor, query, raw }) => {
      if (actor.kind !== "user") return signInFirst(query.code);
      const form = new URLSearchParams(raw.toString("utf8"));
      if (!(await proofs.isGiven(actor, query, form.get("proof") ?? ""))) {
        throw new FleetError(
          "permission_denied",
          "Your answer could not be verified. Open the link in your terminal again.",
        );
      }
      const allowed = form.get("decision") === "allow";
      if (!allowed) {
        await signIns.deny(actor, query.code);
        return sshSignInDonePage(false);
      }
      await signIns.allow(actor, query.code);
      const { body, headers } = sshSignInDonePage(true);
      return new Reply(body, { headers, made: actor.apiKeyId });
    },
  } satisfies Partial<Handlers>;
}

function toUserSshKey(row: SshKeyRow) {
  return {
    id: row.id,
    name: row.name,
    public_key: row.publicKey,
    fingerprint: row.fingerprint,
    created_at: row.createdAt.toISOString(),
    last_used_at: row.lastUsedAt?.toISOString() ?? null,
  };
}

import { createHmac, timingSafeEqual } from "node:crypto";
import type { UserActor } from "../auth/actor.js";
import type { CryptoKeys } from "../cryptokeys/service.js";

/** Proves that a form was sent by the page that this session was shown for this question, and not by another site. */
export type FormProof = {
  /** The proof, which the page sends back with the answer. */
  of(actor: UserActor, question: object): Promise<string>;
  /** Whether the answer is the user's. A header is not sent by a browser on its own, so it proves the same. */
  isGiven(actor: UserActor, question: object, proof: string): Promise<boolean>;
};

/** `purpose` tells proofs of different pages apart. */
export function createFormProof(cryptoKeys: Pick<CryptoKeys, "derive">, purpose: string): FormProof {
  async function proofOf(actor: UserActor, question: object): Promise<string> {
    const entries = Object.entries(question).sort(([a], [b]) => (a < b ? -1 : 1));
    return createHmac("sha256", await cryptoKeys.derive(purpose))
      .update(JSON.stringify([actor.apiKeyId, entries]))
      .digest("base64url");
  }
  return {
    of: proofOf,
    async isGiven(actor, question, proof) {
      return actor.via === "header" || isSame(proof, await proofOf(actor, question));
    },
  };
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

import { hashToken, randomText } from "../auth/tokens.js";

/** Letters and digits of a secret, a code or a token: over 230 bits. */
const LENGTH = 40;

/** A secret for an app, with its stored form. The prefix lets scanners recognize one that was published. */
export function createSecret(kind: "code" | "refresh" | "registration" | "secret"): {
  text: string;
  hash: Buffer;
} {
  const text = `coder_${kind}_${randomText(LENGTH)}`;
  return { text, hash: hashToken(text) };
}

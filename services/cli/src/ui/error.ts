import { FleetError, isFleetError, toFleetError } from "@fleet/base";
import type { Colors } from "picocolors/types.js";

/** What to try next, for the codes where that is the same whatever was done. */
const HINTS: Partial<Record<FleetError["code"], string>> = {
  unauthenticated: "Sign in with: coder login",
};

/** OpenSSL's words for a certificate whose authority is not known here. */
const UNTRUSTED = /self-signed certificate|unable to (verify the first|get local issuer) certificate/;
const TRUST_HINT =
  "Add the authority of the deployment's certificate to this machine's, or name its file in SSL_CERT_FILE.";

/** The error as a person should read it: one sentence, then what else is known, then what to do. */
export function renderError(thrown: unknown, colors: Colors): string {
  // Ctrl-C at a prompt is no failure worth a sentence.
  if (thrown instanceof Error && thrown.name === "ExitPromptError") return colors.dim("Canceled.");
  const error = isFleetError(thrown) || !(thrown instanceof Error) ? toFleetError(thrown) : thrown;
  const lines = [`${colors.red("error:")} ${error.message}`];
  if (error instanceof FleetError) {
    if (error.detail) lines.push(...error.detail.split("\n").map((line) => `  ${line}`));
    const told = error.validations.map(({ field, detail }) => `${field}: ${detail}`);
    lines.push(...told.filter((line) => !error.message.includes(line)).map((line) => `  ${line}`));
    const hint = UNTRUSTED.test(`${error.message}${error.detail}`) ? TRUST_HINT : HINTS[error.code];
    if (hint) lines.push(colors.dim(hint));
  }
  return lines.join("\n");
}

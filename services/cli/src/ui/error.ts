import { FleetError, isFleetError, toFleetError } from "@fleet/base";
import type { Context } from "../context.js";

/** OpenSSL's messages for certificates of an unknown authority. */
const UNTRUSTED = /self-signed certificate|unable to (verify the first|get local issuer) certificate/;
const TRUST_HINT =
  "Add the certificate authority of the deployment to this machine, or set SSL_CERT_FILE to its file.";

/** Formats the error for people: a sentence, then details, then what to do. */
export function renderError(
  thrown: unknown,
  { colors, globals, io }: Pick<Context, "colors" | "globals" | "io">,
) {
  // Ctrl-C at a prompt needs no error message.
  if (thrown instanceof Error && thrown.name === "ExitPromptError") return colors.dim("Canceled.");
  const error = isFleetError(thrown) || !(thrown instanceof Error) ? toFleetError(thrown) : thrown;
  const lines = [`${colors.red("error:")} ${error.message}`];
  if (error instanceof FleetError) {
    if (error.detail) lines.push(...error.detail.split("\n").map((line) => `  ${line}`));
    const told = error.validations.map(({ field, detail }) => `${field}: ${detail}`);
    lines.push(...told.filter((line) => !error.message.includes(line)).map((line) => `  ${line}`));
    const isVariable = io.env.CODER_SESSION_TOKEN && globals.token === io.env.CODER_SESSION_TOKEN;
    const hint = UNTRUSTED.test(`${error.message}${error.detail}`)
      ? TRUST_HINT
      : error.code === "unauthenticated"
        ? isVariable
          ? "The token comes from CODER_SESSION_TOKEN. Set it to a valid one, or unset it and sign in with: coder login"
          : "Sign in with: coder login"
        : undefined;
    if (hint) lines.push(colors.dim(hint));
  }
  return lines.join("\n");
}

import { FleetError } from "@fleet/base";

const STATE_LIMIT_BYTES = 32 * 1024 * 1024;

/**
 * Throws `too_large` or `invalid_argument` unless the bytes are valid Terraform state: a JSON object with a format
 * version. Empty bytes mean no state.
 */
export function checkState(state: Uint8Array): void {
  if (state.length > STATE_LIMIT_BYTES) throw new FleetError("too_large", "The state is larger than 32 MiB.");
  if (state.length === 0 || isState(state)) return;
  const detail = "This is not a valid Terraform state. It must be a JSON object with a version.";
  throw new FleetError("invalid_argument", detail, { validations: [{ field: "state", detail }] });
}

function isState(bytes: Uint8Array): boolean {
  try {
    const state: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return (
      typeof state === "object" &&
      state !== null &&
      "version" in state &&
      Number.isInteger(state.version) &&
      Number(state.version) > 0
    );
  } catch {
    return false;
  }
}

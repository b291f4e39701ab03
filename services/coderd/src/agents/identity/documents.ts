import { FleetError } from "@fleet/base";

/** What a cloud says of the machine that an agent runs on, verified. */
export type MachineIdentity = { instanceId: string };

/** The document is not signed by the cloud, or is no longer valid. */
export class IdentityRefused extends FleetError {
  constructor(reason: string, cause?: unknown) {
    super("unauthenticated", `The instance identity could not be verified: ${reason}`, { cause });
  }
}

/** The text at the key of a JSON object. Throws IdentityRefused if there is none. */
export function textIn(json: string, key: string): string {
  let value: unknown;
  try {
    value = (JSON.parse(json) as Record<string, unknown> | null)?.[key];
  } catch (cause) {
    throw new IdentityRefused("the document is not JSON.", cause);
  }
  if (typeof value !== "string" || value === "") throw new IdentityRefused(`the document has no ${key}.`);
  return value;
}

import { FleetError } from "@fleet/base";

const STATE_LIMIT_BYTES = 32 * 1024 * 1024;
/** The only format that Terraform has written since 0.12, and that OpenTofu writes. */
const FORMAT = 4;

/** What orders and relates states. Undefined if a state does not say. */
export type StateMark = { serial: number | undefined; lineage: string | undefined };

/** The state's marks; without any if it is empty or not a Terraform state, as of the echo provisioner. */
export function markOf(state: Uint8Array): StateMark {
  const { serial, lineage } = parse(state) ?? {};
  return {
    serial: typeof serial === "number" ? serial : undefined,
    lineage: typeof lineage === "string" && lineage !== "" ? lineage : undefined,
  };
}

/**
 * Throws `too_large` or `invalid_argument` unless the bytes are a Terraform state that a build can read. Empty bytes
 * mean no state.
 */
export function checkState(state: Uint8Array): void {
  if (state.length > STATE_LIMIT_BYTES) throw new FleetError("too_large", "The state is larger than 32 MiB.");
  if (state.length === 0) return;
  const problem = problemOf(parse(state));
  if (problem) refuseState(`This is not a valid Terraform state. ${problem}`);
}

/**
 * Checks a state that replaces another one, as `terraform state push` does: of the same lineage, and not older. `force`
 * skips that. @throws invalid_argument, or conflict if the current serial is not the expected one.
 */
export function checkReplacement(
  state: Uint8Array,
  current: Uint8Array,
  { force = false, expectedSerial }: { force?: boolean | undefined; expectedSerial?: number | undefined },
): void {
  const [next, last] = [markOf(state), markOf(current)];
  if (expectedSerial !== undefined && expectedSerial !== (last.serial ?? 0)) {
    throw new FleetError(
      "conflict",
      `The state has changed: its serial is ${last.serial ?? 0}, not ${expectedSerial}. Pull it again.`,
    );
  }
  if (force || state.length === 0) return;
  if (next.lineage && last.lineage && next.lineage !== last.lineage) {
    refuseState(
      `The state has the lineage ${next.lineage}, but the workspace's has ${last.lineage}: it belongs to other resources. To replace it nevertheless, use force.`,
    );
  }
  if (next.serial !== undefined && last.serial !== undefined && next.serial < last.serial) {
    refuseState(
      `The state is older than the workspace's: its serial is ${next.serial}, the workspace's ${last.serial}. To go back to it, use force.`,
    );
  }
}

function problemOf(state: Record<string, unknown> | undefined): string | undefined {
  if (!state) return "It must be a JSON object.";
  if (!Number.isInteger(state.version)) return "It must have a format version.";
  if (state.version !== FORMAT) return `It has format ${state.version}; only format ${FORMAT} is supported.`;
  for (const [name, type] of [
    ["serial", "number"],
    ["lineage", "string"],
  ] as const) {
    if (state[name] !== undefined && typeof state[name] !== type) return `Its ${name} must be a ${type}.`;
  }
  const resources = state.resources ?? [];
  if (!Array.isArray(resources) || !resources.every(isResource)) {
    return "Its resources must be a list of objects with a type, a name and instances.";
  }
  return undefined;
}

function isResource(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, name, instances } = value as Record<string, unknown>;
  return typeof type === "string" && typeof name === "string" && Array.isArray(instances);
}

function parse(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const state: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    return typeof state === "object" && state !== null && !Array.isArray(state)
      ? (state as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function refuseState(detail: string): never {
  throw new FleetError("invalid_argument", detail, { validations: [{ field: "state", detail }] });
}

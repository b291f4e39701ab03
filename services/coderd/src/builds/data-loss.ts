import { FleetError } from "@fleet/base";

/** A resource in a plan, with the names of attributes but without their values. */
export type PlannedResource = {
  address: string;
  /** Before a `moved` block; empty if it has not moved. */
  previousAddress: string;
  /** managed or data. */
  mode: string;
  type: string;
  /** The provider's address, for example registry.terraform.io/hashicorp/aws. */
  provider: string;
  /** no-op, create, read, update, delete; for a replacement, delete and create in order. */
  actions: string[];
  /** Attributes that force a replacement, for example `disk[0].type`. */
  reasons: string[];
};

/** Resource addresses, without indexes, of the version that a workspace was last built with. */
export type Persistence = {
  /** Those of a started workspace. */
  started: ReadonlySet<string>;
  /** Those of a stopped workspace: they persist over stops, and so may keep data. */
  kept: ReadonlySet<string>;
};

/** Providers whose resources hold nothing but values that they compute. */
const LOGICAL_PROVIDERS = /\/(coder|null|random|time|tls|cloudinit)$/;

/** Types that hold data, for resources that the version's import did not see because they depend on parameters. */
const HOLDS_DATA =
  /(^|_)(volume|disk|persistent_volume(_claim)?|database|db_instance|db_cluster|rds_cluster|sql_database_instance|bucket|file_system|filesystem|filestore_instance|storage_share|dataset)(_v\d+)?$/;

/** True if the change destroys or replaces a resource that keeps data while its workspace is stopped. */
export function losesData(change: PlannedResource, { started, kept }: Persistence): boolean {
  if (change.mode !== "managed" || !change.actions.includes("delete")) return false;
  if (LOGICAL_PROVIDERS.test(change.provider)) return false;
  const address = withoutIndexes(change.previousAddress || change.address);
  if (kept.has(address)) return true;
  // Every stop destroys it.
  if (started.has(address)) return false;
  return HOLDS_DATA.test(change.type);
}

/** Types whose resources hold nothing but values that they compute, or run commands where Terraform runs. */
const LOGICAL_TYPE = /^(coder|null|random|time|tls|cloudinit|terraform)_/;

/**
 * What a stop does with the data of a workspace: all of it is lost if nothing that could keep data persists; otherwise it
 * depends on where the data is stored. Unknown if nothing of the workspace is destroyed, for example because its
 * agent runs on an existing machine.
 */
export function dataOnStop({ started, kept }: Persistence): "all_lost" | "depends_on_storage" | "unknown" {
  const holdsData = (address: string) => !LOGICAL_TYPE.test(address.split(".").at(-2) ?? "");
  if (![...started].some((address) => holdsData(address) && !kept.has(address))) return "unknown";
  return [...kept].some(holdsData) ? "depends_on_storage" : "all_lost";
}

/** The changes that lose data. */
export function lossesOf<C extends PlannedResource>(changes: readonly C[], persistence: Persistence): C[] {
  return changes.filter((change) => losesData(change, persistence));
}

/** The address without the keys of `count` and `for_each`, which can differ between a version's import and its builds. */
export function withoutIndexes(address: string): string {
  return address.replace(/\[(?:\d+|"(?:[^"\\]|\\.)*")\]/g, "");
}

/** The attribute path from its JSON array of keys and indexes, for example `disk[0].type`. */
export function pathOf(json: string): string {
  let steps: unknown;
  try {
    steps = JSON.parse(json);
  } catch {
    return "";
  }
  if (!Array.isArray(steps)) return "";
  return steps.reduce<string>(
    (path, step) => (typeof step === "number" ? `${path}[${step}]` : path ? `${path}.${step}` : String(step)),
    "",
  );
}

/** Addresses in a message; the rest is counted. */
const SHOWN = 20;

/** The build would lose data, and nobody who may has accepted that. */
export class DataLossNotAccepted extends FleetError {
  constructor(
    losses: readonly { address: string; replaced: boolean; reasons: readonly string[] }[],
    policy: string,
  ) {
    const lines = losses.slice(0, SHOWN).map(({ address, replaced, reasons }) => {
      const why = reasons.length > 0 ? ` (${reasons.join(", ")} changes)` : "";
      return `${address} would be ${replaced ? "replaced" : "destroyed"}${why}`;
    });
    const more = losses.length > SHOWN ? [`and ${losses.length - SHOWN} more`] : [];
    const list = [...lines, ...more].join("; ");
    const how =
      policy === "deny"
        ? "Only a template administrator can accept this, with --accept-data-loss."
        : "To accept this, use --accept-data-loss.";
    super("conflict", `This build would lose data: ${list}. Nothing was changed. ${how}`, {
      validations: [{ field: "accept_data_loss", detail: list }],
    });
  }
}

export class MayNotAcceptDataLoss extends FleetError {
  constructor() {
    const detail = "Only a template administrator can accept that builds of this template lose data.";
    super("permission_denied", detail, { validations: [{ field: "accept_data_loss", detail }] });
  }
}

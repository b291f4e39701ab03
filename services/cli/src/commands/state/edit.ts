import { FleetError } from "@fleet/base";

/** A Terraform state, as far as it is read here. Other fields are kept as they are. */
export type State = { serial?: number; resources?: StateResource[] } & Record<string, unknown>;

type StateResource = {
  module?: string;
  mode?: string;
  type: string;
  name: string;
  instances?: StateInstance[];
} & Record<string, unknown>;

type StateInstance = { index_key?: string | number; attributes?: unknown } & Record<string, unknown>;

/** Throws `invalid_argument` if the text is no state. An empty text is a state without resources. */
export function parseState(text: string): State {
  if (text === "") return {};
  try {
    const state: unknown = JSON.parse(text);
    if (typeof state === "object" && state !== null && !Array.isArray(state)) return state as State;
  } catch {
    // Said below.
  }
  throw new FleetError(
    "invalid_argument",
    "The state is not valid JSON. Restore an earlier one; list them with: coder state history",
  );
}

/** Every instance in the state, by its full address, in the state's order. */
export function instancesOf(state: State): { address: string; instance: StateInstance }[] {
  return (state.resources ?? []).flatMap((resource) =>
    (resource.instances ?? []).map((instance) => ({ address: addressOf(resource, instance), instance })),
  );
}

/** Addresses of what exists outside of the state: not data sources, nor the objects of the coder provider. */
export function managedAddresses(state: State): string[] {
  const managed = (state.resources ?? []).filter(
    ({ mode, type }) => mode !== "data" && !type.startsWith("coder_"),
  );
  return instancesOf({ ...state, resources: managed }).map(({ address }) => address);
}

/**
 * The state without what the addresses name: an instance, a resource with all its instances, or a module with everything
 * in it. Its serial is one higher. Throws `not_found` for an address that names nothing.
 */
export function removeFrom(state: State, addresses: readonly string[]): { state: State; removed: string[] } {
  const before = instancesOf(state).map(({ address }) => address);
  for (const wanted of addresses) {
    if (!before.some((address) => isWithin(address, wanted))) {
      throw new FleetError(
        "not_found",
        `The state has no resource ${wanted}. List its resources with: coder state list`,
      );
    }
  }
  const goes = (address: string) => addresses.some((wanted) => isWithin(address, wanted));
  const resources = (state.resources ?? []).flatMap((resource) => {
    const instances = (resource.instances ?? []).filter((instance) => !goes(addressOf(resource, instance)));
    return instances.length > 0 ? [{ ...resource, instances }] : [];
  });
  return {
    state: { ...state, serial: (state.serial ?? 0) + 1, resources },
    removed: before.filter(goes),
  };
}

function addressOf({ module, mode, type, name }: StateResource, { index_key: key }: StateInstance): string {
  const own = `${mode === "data" ? "data." : ""}${type}.${name}`;
  return (module ? `${module}.${own}` : own) + (key === undefined ? "" : `[${JSON.stringify(key)}]`);
}

/** True if the address is `wanted`, or lies below it. */
function isWithin(address: string, wanted: string): boolean {
  if (address === wanted) return true;
  const rest = address.startsWith(wanted) ? address.slice(wanted.length) : "";
  // A resource's type and name are not a module: `a.b` contains `a.b[0]`, and `module.a` contains `module.a.b.c`.
  return rest.startsWith("[") || (rest.startsWith(".") && isModule(wanted));
}

function isModule(address: string): boolean {
  return /(^|\.)module\.[^.[]+(\[[^\]]*\])?$/.test(address);
}

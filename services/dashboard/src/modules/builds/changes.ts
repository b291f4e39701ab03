import type { NameValue, WorkspaceResource } from "@fleet/sdk";

export type Change = { name: string; before: string | undefined; after: string | undefined };

/** The parameters that differ between two builds, by name. */
export function changedParameters(before: readonly NameValue[], after: readonly NameValue[]): Change[] {
  return changes(
    new Map(before.map(({ name, value }) => [name, value])),
    new Map(after.map(({ name, value }) => [name, value])),
  );
}

/** The resources that one of two builds has and the other has not. */
export function changedResources(
  before: readonly WorkspaceResource[],
  after: readonly WorkspaceResource[],
): Change[] {
  const named = (list: readonly WorkspaceResource[]) =>
    new Map(list.map(({ type, name }) => [`${type}.${name}`, ""]));
  return changes(named(before), named(after));
}

function changes(before: Map<string, string>, after: Map<string, string>): Change[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .map((name) => ({ name, before: before.get(name), after: after.get(name) }))
    .filter((change) => change.before !== change.after);
}

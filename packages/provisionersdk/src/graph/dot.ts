/** Dependencies, by address without instance keys: `module.editor.coder_app.code`, `data.coder_workspace.me`. */
export type DependencyGraph = {
  has(label: string): boolean;
  labels(): Iterable<string>;
  /** What the label depends on, directly. */
  dependencies(label: string): Iterable<string>;
  /** What depends on the label, directly. */
  dependents(label: string): Iterable<string>;
};

/**
 * Parses the DOT output of `terraform graph`, both the resources-only form and the one with each of
 * terraform's own nodes (`[root] coder_agent.main (expand)`).
 */
export function parseGraph(dot: string): DependencyGraph {
  const forward = new Map<string, Set<string>>();
  const backward = new Map<string, Set<string>>();
  const add = (map: Map<string, Set<string>>, from: string, to?: string) => {
    const set = map.get(from) ?? new Set<string>();
    map.set(from, set);
    if (to !== undefined) set.add(to);
  };
  for (const line of dot.split("\n")) {
    const edge = /^\s*"((?:[^"\\]|\\.)*)"\s*->\s*"((?:[^"\\]|\\.)*)"/.exec(line);
    if (edge) {
      const [from, to] = [labelOf(edge[1]!), labelOf(edge[2]!)];
      add(forward, from, to);
      add(backward, to, from);
      continue;
    }
    const node = /^\s*"((?:[^"\\]|\\.)*)"\s*(?:\[|;|$)/.exec(line);
    if (node) add(forward, labelOf(node[1]!));
  }
  return {
    has: (label) => forward.has(label) || backward.has(label),
    labels: () => forward.keys(),
    dependencies: (label) => forward.get(label) ?? [],
    dependents: (label) => backward.get(label) ?? [],
  };
}

/** A `(close)` node keeps its name: it depends on all users of a provider or module, which depend on the other node. */
function labelOf(node: string): string {
  return node
    .replace(/\\"/g, '"')
    .replace(/^\[root\] /, "")
    .replace(/ \(expand\)$/, "");
}

/** The nearest labels that match, in the given direction: all at the least depth, sorted by name. */
export function nearest(
  start: string,
  next: (label: string) => Iterable<string>,
  wanted: (label: string) => boolean,
): string[] {
  const seen = new Set([start]);
  for (let frontier = [start]; frontier.length > 0; ) {
    const following: string[] = [];
    for (const label of frontier) {
      for (const neighbour of next(label)) {
        if (seen.has(neighbour)) continue;
        seen.add(neighbour);
        following.push(neighbour);
      }
    }
    const found = following.filter(wanted).sort();
    if (found.length > 0) return found;
    frontier = following;
  }
  return [];
}

// Rejects import cycles between folders. dependency-cruiser only sees cycles between files: two folders may need each
// other without any file cycle, and then neither can be read, tested or moved alone.
//   node scripts/lint/circles.mjs
import { cruise } from "dependency-cruiser";

/** In these, every folder, and every file beside them, is its own node. */
const ROOTS = /^((?:packages|services)\/[^/]+\/src(?:\/modules)?)\/([^/]+)/;
const OPTIONS = {
  exclude: { path: "(/gen/|\\.types/|/dist/|\\.test\\.tsx?$|/testing/|/fixtures/|node_modules)" },
  tsPreCompilationDeps: true,
};

const { output } = await cruise(["packages", "services"], OPTIONS);
const circles = [...edgesByRoot(output.modules)].flatMap(([root, edges]) =>
  circlesOf(edges).map((folders) => ({ root, folders, edges })),
);
for (const { root, folders, edges } of circles) {
  console.error(
    `${root}: ${[...folders, folders[0]].join(" → ")} form a circle. One of them knows too much:`,
  );
  for (const from of folders)
    for (const [to, imports] of edges.get(from) ?? [])
      if (folders.includes(to)) for (const text of imports) console.error(`  ${text}`);
}
process.exitCode = circles.length > 0 ? 1 : 0;

/** Root to folder to the folders it imports from, with the imports responsible. */
function edgesByRoot(modules) {
  const roots = new Map();
  for (const { source, dependencies } of modules) {
    for (const { resolved } of dependencies) {
      for (const [root, from] of nodesOf(source)) {
        const to = nodesOf(resolved).find(([other]) => other === root)?.[1];
        if (to === undefined || to === from) continue;
        const edges = getOrAdd(roots, root, () => new Map());
        getOrAdd(
          getOrAdd(edges, from, () => new Map()),
          to,
          () => [],
        ).push(`${source} → ${resolved}`);
      }
    }
  }
  return roots;
}

/** The roots that contain a file, innermost last, each with the file's node in it. */
function nodesOf(path) {
  const inner = ROOTS.exec(path);
  if (!inner) return [];
  const outer = /^((?:packages|services)\/[^/]+\/src)\/([^/]+)/.exec(path);
  return outer[1] === inner[1]
    ? [[inner[1], inner[2]]]
    : [
        [outer[1], outer[2]],
        [inner[1], inner[2]],
      ];
}

/** Strongly connected components of more than one node (Tarjan). */
function circlesOf(edges) {
  const found = [];
  const stack = [];
  const seen = new Map();
  const low = new Map();
  const visit = (node) => {
    seen.set(node, seen.size);
    low.set(node, seen.get(node));
    stack.push(node);
    for (const next of edges.get(node)?.keys() ?? []) {
      if (!seen.has(next)) visit(next);
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)));
    }
    if (low.get(node) === seen.get(node)) {
      const members = stack.splice(stack.indexOf(node));
      if (members.length > 1) found.push(members);
    }
  };
  for (const node of edges.keys()) if (!seen.has(node)) visit(node);
  return found;
}

function getOrAdd(map, key, make) {
  if (!map.has(key)) map.set(key, make());
  return map.get(key);
}

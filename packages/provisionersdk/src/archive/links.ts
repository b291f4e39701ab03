import { type ArchiveEntry, archiveError, safePath } from "./entry.js";

/** How many links a path may traverse, same as the kernel's limit. */
const LINK_LIMIT = 40;

/**
 * Checks an archive's symbolic links by resolving them through its other links, and gives each the bytes of
 * its target file. Dangling links are allowed; one that escapes the folder, or a file below a link, is rejected by name.
 */
export function resolveLinks(entries: readonly ArchiveEntry[]): ArchiveEntry[] {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]));
  for (const { path } of entries) requireNoLinkAbove(path, byPath);
  return entries.map((entry) =>
    entry.type === "symlink" ? { ...entry, bytes: byPath.get(endOf(entry, byPath))?.bytes ?? EMPTY } : entry,
  );
}

const EMPTY = new Uint8Array();

function requireNoLinkAbove(path: string, byPath: ReadonlyMap<string, ArchiveEntry>): void {
  for (let cut = path.indexOf("/"); cut > 0; cut = path.indexOf("/", cut + 1)) {
    if (byPath.get(path.slice(0, cut))?.type !== "symlink") continue;
    throw archiveError(
      `${JSON.stringify(path)} is inside the symbolic link ${JSON.stringify(path.slice(0, cut))}.`,
    );
  }
}

/** The path that the link resolves to, in the archive or not. */
function endOf(link: ArchiveEntry, byPath: ReadonlyMap<string, ArchiveEntry>): string {
  const shown = `${JSON.stringify(link.path)} is a symbolic link to ${JSON.stringify(link.target)}`;
  const leadsOut = () =>
    archiveError(`${shown}, outside the template's directory. Replace it with a copy of its target.`);
  const at = link.path.split("/").slice(0, -1);
  let links = 0;
  const left = stepsOf(link.target, leadsOut);
  for (let step = left.shift(); step !== undefined; step = left.shift()) {
    if (step === "..") {
      if (at.pop() === undefined) throw leadsOut();
      continue;
    }
    const next = byPath.get([...at, step].join("/"));
    if (next?.type !== "symlink") at.push(step);
    else {
      // A cycle resolves to nothing.
      if (++links > LINK_LIMIT) return "";
      left.unshift(...stepsOf(next.target, leadsOut));
    }
  }
  return at.join("/");
}

function stepsOf(target = "", leadsOut: () => Error): string[] {
  if (target === "" || target.startsWith("/") || /^[A-Za-z]:/.test(target)) throw leadsOut();
  const steps = target.split("/").filter((step) => step !== "" && step !== ".");
  // Each step follows the rules for any path; `..` is left to the caller.
  for (const step of steps) if (step !== "..") safePath(step);
  return steps;
}

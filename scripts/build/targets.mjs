import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";

/** Every platform that a workspace may have, by the names that init scripts ask for; `node*` are Node's own words. */
export const TARGETS = [
  { os: "linux", arch: "amd64", nodeOs: "linux", nodeArch: "x64" },
  { os: "linux", arch: "arm64", nodeOs: "linux", nodeArch: "arm64" },
  { os: "linux", arch: "armv7", nodeOs: "linux", nodeArch: "arm" },
  { os: "darwin", arch: "amd64", nodeOs: "darwin", nodeArch: "x64" },
  { os: "darwin", arch: "arm64", nodeOs: "darwin", nodeArch: "arm64" },
  { os: "windows", arch: "amd64", nodeOs: "win32", nodeArch: "x64" },
  { os: "windows", arch: "arm64", nodeOs: "win32", nodeArch: "arm64" },
];

/** Platforms that no release of the runtime exists for, and why. */
export const IMPOSSIBLE_TARGETS = [
  { os: "darwin", arch: "armv7", reason: "macOS never ran on armv7" },
  { os: "windows", arch: "armv7", reason: "Node has no release for Windows on armv7" },
];

export const targetName = ({ os, arch }) => `coder-${os}-${arch}${os === "windows" ? ".exe" : ""}`;

/** The target that this machine is. */
export function hostTarget() {
  const found = TARGETS.find((each) => each.nodeOs === process.platform && each.nodeArch === process.arch);
  if (!found) throw new Error(`Node on ${process.platform}-${process.arch} is not a target of this build.`);
  return found;
}

/** What was unpacked for a platform that is not this machine's. */
const foreignFolder = ({ os, arch }) => join(ROOT, ".tools/node", `${os}-${arch}`);

/** node-pty's addon for the target: the installed one, or the file `pty.node` beside its Node. Undefined without. */
export function ptyAddonOf(target) {
  const { nodeOs, nodeArch } = target;
  const beside = join(foreignFolder(target), "pty.node");
  if (existsSync(beside)) return beside;
  const fromAgent = createRequire(join(ROOT, "services/agent/package.json"));
  try {
    const fromPty = createRequire(fromAgent.resolve("@lydell/node-pty"));
    return fromPty.resolve(`@lydell/node-pty-${nodeOs}-${nodeArch}/pty.node`);
  } catch {
    return undefined;
  }
}

/**
 * The Node binary that an executable of the target is made from: the pinned one for this machine's own platform, else
 * the one unpacked at .tools/node/<target>, of the same version. Undefined when there is none.
 */
export function nodeBinaryOf(target) {
  const pinned = join(ROOT, "node_modules/node/bin/node");
  if (target === hostTarget()) return existsSync(pinned) ? pinned : process.execPath;
  const file = target.os === "windows" ? "node.exe" : "bin/node";
  const foreign = join(foreignFolder(target), file);
  return existsSync(foreign) ? foreign : undefined;
}

/** Why the target's executable cannot be made here, undefined when it can. */
export function obstacleOf(target) {
  if (!nodeBinaryOf(target)) {
    return `no Node for it: unpack the release for ${target.nodeOs}-${target.nodeArch} into .tools/node/${target.os}-${target.arch}`;
  }
  if (!ptyAddonOf(target)) {
    return `no terminal addon: @lydell/node-pty-${target.nodeOs}-${target.nodeArch} is not installed or does not exist (its pty.node may lie in .tools/node/${target.os}-${target.arch})`;
  }
  if (target.os === "darwin" && process.platform !== "darwin") {
    return "macOS refuses an executable that was not signed, and codesign runs on macOS only";
  }
  return undefined;
}

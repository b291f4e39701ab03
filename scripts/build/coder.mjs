#!/usr/bin/env node
// `coder` from a folder of bundles: the agent for `coder agent …`, the command line for anything else.
import { createRequire } from "node:module";

const NEEDED = 24;

if (Number.parseInt(process.versions.node, 10) < NEEDED) {
  console.error(
    `coder needs Node ${NEEDED} or later, and this is ${process.version}: run it with the Node that \`make install\` puts into node_modules/.bin, or run dist/bin/coder-${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}, which needs none.`,
  );
  process.exitCode = 1;
} else {
  createRequire(import.meta.url)(process.argv[2] === "agent" ? "./agent.cjs" : "./cli.cjs");
}

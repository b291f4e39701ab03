#!/usr/bin/env node
// `coder` from a folder of bundles: the agent for `coder agent …`, the command line for anything else.
import { createRequire } from "node:module";

createRequire(import.meta.url)(process.argv[2] === "agent" ? "./agent.cjs" : "./cli.cjs");

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const DIST = join(ROOT, "dist");
/** The executables of every target, under the names that `/bin/…` serves. */
export const BIN = join(DIST, "bin");

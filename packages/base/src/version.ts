/**
 * The product's version, as reported by `buildinfo`. Clients parse it as semver and gate features on it: 2.31 and later
 * unlocks all that the editor extensions use.
 */
export const VERSION = "v2.33.0";

/** Set by the build (scripts/build/bundle.mjs). */
declare const __REVISION__: string | undefined;

/**
 * The commit that this program was built from, with a `-dirty` suffix if files had changed since; `unknown` if it
 * was not built, or not from a checkout.
 */
export const REVISION: string = (typeof __REVISION__ === "string" ? __REVISION__ : undefined) || "unknown";

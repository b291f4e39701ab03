/**
 * The product's version, as `buildinfo` tells it. Clients parse it as semver and gate features on it: 2.31 and later
 * unlocks all that the editor extensions use.
 */
export const VERSION = "v2.33.0";

import type { EngineName } from "./engine.js";
import { HASHICORP_KEY, OPENTOFU_KEY } from "./release-keys.js";

/** The release to fetch if no engine is installed, and how to check that it is its maker's. */
export type Release = {
  version: string;
  /** Scheme and host, which a mirror replaces. */
  server: string;
  /** Path of a file on the server, without the leading slash. */
  pathOf(file: string): string;
  archive(platform: string): string;
  checksums: string;
  /** A detached OpenPGP signature of the checksums. */
  signature: string;
  /** Armored public key of the maker. */
  key: string;
};

const TERRAFORM = "1.15.5";
const OPENTOFU = "1.12.6";

export const RELEASES: Readonly<Record<EngineName, Release>> = {
  terraform: {
    version: TERRAFORM,
    server: "https://releases.hashicorp.com",
    pathOf: (file) => `terraform/${TERRAFORM}/${file}`,
    archive: (platform) => `terraform_${TERRAFORM}_${platform}.zip`,
    checksums: `terraform_${TERRAFORM}_SHA256SUMS`,
    signature: `terraform_${TERRAFORM}_SHA256SUMS.sig`,
    key: HASHICORP_KEY,
  },
  opentofu: {
    version: OPENTOFU,
    server: "https://github.com",
    pathOf: (file) => `opentofu/opentofu/releases/download/v${OPENTOFU}/${file}`,
    archive: (platform) => `tofu_${OPENTOFU}_${platform}.zip`,
    checksums: `tofu_${OPENTOFU}_SHA256SUMS`,
    signature: `tofu_${OPENTOFU}_SHA256SUMS.gpgsig`,
    key: OPENTOFU_KEY,
  },
};

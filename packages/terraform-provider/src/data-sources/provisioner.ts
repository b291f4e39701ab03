import { type DataSource, generatedId } from "../definition.js";
import { computed } from "../schema/block.js";

/** Node's platform and architecture names, mapped to Go's, which templates compare with. */
const OS: Readonly<Record<string, string>> = { win32: "windows" };
const ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386" };

/** The machine that runs terraform. */
export const provisioner: DataSource = {
  version: 1,
  block: { attributes: { arch: computed.string(), id: generatedId, os: computed.string() } },
  read: (_config, { newId }) => ({
    arch: ARCH[process.arch] ?? process.arch,
    id: newId(),
    os: OS[process.platform] ?? process.platform,
  }),
};

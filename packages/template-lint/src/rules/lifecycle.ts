import { attributeOf, type HclBlock } from "@fleet/provisionersdk/hcl";
import { addressOf, attributesOf, type Located, type Module, mentions } from "../module.js";
import type { Rule } from "./rule.js";

/** Resources that hold a developer's files. */
const VOLUMES = new Set([
  "alicloud_disk",
  "aws_ebs_volume",
  "aws_efs_file_system",
  "azurerm_managed_disk",
  "digitalocean_volume",
  "docker_volume",
  "google_compute_disk",
  "google_filestore_instance",
  "hcloud_volume",
  "incus_storage_volume",
  "kubernetes_persistent_volume_claim",
  "kubernetes_persistent_volume_claim_v1",
  "libvirt_volume",
  "linode_volume",
  "nomad_csi_volume",
  "oci_core_volume",
  "openstack_blockstorage_volume_v3",
  "scaleway_block_volume",
  "scaleway_instance_volume",
  "vultr_block_storage",
]);

/** Expressions that depend on whether the workspace starts or stops. */
const TRANSITION = /\bdata\.coder_workspace\.[\w-]+\.(start_count|transition)\b/;
const AGENT_START = /\bcoder_agent\.[\w-]+(\[[^\]]*\])?\.(token|init_script)\b/;
const CHANGEABLE_NAME = /\bdata\.(coder_workspace|coder_workspace_owner)\.[\w-]+\.(name|full_name|email)\b/;

function volumes(module: Module): Located[] {
  return resources(module).filter(({ block }) => VOLUMES.has(block.labels[0]!));
}

function resources({ blocks }: Module): Located[] {
  return blocks.filter(({ block }) => block.type === "resource" && block.labels.length === 2);
}

function depends(module: Module, block: HclBlock, names: readonly string[], pattern: RegExp): boolean {
  const attributes = names.flatMap((name) => attributeOf(block.body, name) ?? []);
  return mentions(module, { attributes, blocks: [] }, pattern);
}

/** The attributes that `ignore_changes` covers. */
function ignoresChanges({ body }: HclBlock): boolean {
  return body.blocks.some((inner) => inner.type === "lifecycle" && attributeOf(inner.body, "ignore_changes"));
}

export const lifecycleRules: readonly Rule[] = [
  {
    name: "runs-while-stopped",
    severity: "warning",
    about: "A machine that keeps running when its workspace stops",
    check(module) {
      return resources(module)
        .filter(({ block }) => !block.labels[0]!.startsWith("coder_"))
        .filter(({ block }) => mentions(module, block.body, AGENT_START))
        .filter(({ block }) => !mentions(module, block.body, TRANSITION))
        .map(({ file, block }) => ({
          file,
          line: block.line,
          message: `${addressOf(block)} starts an agent but does not depend on data.coder_workspace.<name>.start_count: it keeps running when the workspace stops. Add count = data.coder_workspace.<name>.start_count.`,
        }));
    },
  },
  {
    name: "data-lost-on-stop",
    severity: "warning",
    about: "A volume that is deleted at every stop",
    check(module) {
      return volumes(module)
        .filter(({ block }) => depends(module, block, ["count", "for_each"], TRANSITION))
        .map(({ file, block }) => ({
          file,
          line: block.line,
          message: `${addressOf(block)} exists only while the workspace runs: its data is lost at every stop. Remove its count, and use the volume from the machine that has one.`,
        }));
    },
  },
  {
    name: "data-lost-on-rename",
    severity: "warning",
    about: "A volume that is replaced when the workspace or its owner is renamed",
    check(module) {
      return volumes(module)
        .filter(({ block }) => !ignoresChanges(block))
        .flatMap(({ file, block }) => {
          const attribute = [...attributesOf(block.body)].find((each) =>
            mentions(module, { attributes: [each], blocks: [] }, CHANGEABLE_NAME),
          );
          if (!attribute) return [];
          return {
            file,
            line: attribute.line,
            message: `${addressOf(block)} uses a name that can change: after a rename, the volume may be replaced by an empty one. Use IDs, or add lifecycle { ignore_changes = all }.`,
          };
        });
    },
  },
];

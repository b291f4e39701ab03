// Installs terraform into the provisionerd image: `node terraform.mjs GIVEN TARGET`. Uses GIVEN if it
// exists; otherwise the release that provisionerd itself would download, checked against the same hash.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { unzipSync } from "fflate";
import { RELEASE } from "../../services/provisionerd/src/terraform/release.ts";

const [given, target] = process.argv.slice(2);
await mkdir(dirname(target), { recursive: true });
if (existsSync(given)) await copyFile(given, target);
else await writeFile(target, await fetchRelease(), { mode: 0o755 });

async function fetchRelease() {
  const platform = `linux_${process.arch === "x64" ? "amd64" : process.arch}`;
  const url = `https://releases.hashicorp.com/terraform/${RELEASE.version}/terraform_${RELEASE.version}_${platform}.zip`;
  const how =
    "Put a terraform for Linux on PATH, or name it by TERRAFORM, and run scripts/images/build.sh again.";
  const response = await fetch(url).catch((cause) => fail(`Failed to fetch ${url}: ${cause}. ${how}`));
  if (!response.ok) fail(`Failed to fetch ${url}: status ${response.status}. ${how}`);
  const zip = await response.bytes();
  const hash = createHash("sha256").update(zip).digest("hex");
  if (hash !== RELEASE.sha256[platform]) fail(`Checksum mismatch for ${url}. ${how}`);
  return unzipSync(zip, { filter: ({ name }) => name === "terraform" }).terraform;
}

function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}

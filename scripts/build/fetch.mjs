import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { partsFolder, TARGETS } from "./targets.mjs";

const run = promisify(execFile);

/** Fetches a platform's Node and terminal addon from npm, once, and checks them against the pinned integrity. */
export async function fetchParts(target) {
  const folder = partsFolder(target);
  const marker = join(folder, ".complete");
  const packages = [target.node, target.maker, target.pty].filter(Boolean);
  const wanted = packages.map(({ integrity }) => integrity).join(" ");
  if ((await readFile(marker, "utf8").catch(() => "")) === wanted) return;
  console.log(`fetching ${packages.map(({ name }) => name).join(", ")} from npm`);
  const work = await mkdtemp(join(tmpdir(), "coder-platform-"));
  try {
    const parts = join(work, "parts");
    await mkdir(parts);
    for (const part of ["node", "maker"].filter((each) => target[each])) {
      const unpacked = await unpack(target[part], join(work, part));
      await copyFile(join(unpacked, target[part].file), join(parts, part));
    }
    const pty = await unpack(target.pty, join(work, "pty"));
    for (const name of target.addons) await copyFile(join(pty, name), join(parts, name));
    await writeFile(join(parts, ".complete"), wanted);
    await rm(folder, { recursive: true, force: true });
    await mkdir(dirname(folder), { recursive: true });
    await move(parts, folder);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Extracts an npm package into the folder. Throws if its contents do not match the pinned integrity. */
async function unpack({ name, integrity }, folder) {
  await mkdir(folder);
  // npm knows this machine's registry, proxy and certificates.
  const { stdout } = await run("npm", ["pack", name, "--silent", "--pack-destination", folder], {
    shell: false,
  });
  const archive = join(folder, stdout.trim().split("\n").at(-1));
  const found = `sha512-${createHash("sha512")
    .update(await readFile(archive))
    .digest("base64")}`;
  if (found !== integrity) throw new Error(`Integrity mismatch for ${name}: got ${found}.`);
  await run("tar", ["-xzf", archive, "-C", folder]);
  return join(folder, "package");
}

async function move(from, to) {
  await rename(from, to).catch(async (error) => {
    if (error.code !== "EXDEV") throw error;
    await run("cp", ["-r", from, to]);
  });
}

// `node scripts/build/fetch.mjs` fetches the parts of every platform that has any.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const target of TARGETS.filter(({ node }) => node)) await fetchParts(target);
}

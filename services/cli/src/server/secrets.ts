import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/**
 * Returns a secret that is generated once and kept in a file that only its owner can read. Concurrent starts get the
 * same one.
 */
export async function keptSecret(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.trim() !== "") return known.trim();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, randomBytes(32).toString("base64url"), { mode: 0o600 });
  // Linking fails if the file exists, and never exposes a partially written file.
  await link(draft, file).catch(() => {});
  await rm(draft, { force: true });
  return (await readFile(file, "utf8")).trim();
}

import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A secret that is made once and kept in a file that only its owner can read. Two starts at once get the same one. */
export async function keptSecret(folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  const known = await readFile(file, "utf8").catch(() => "");
  if (known.trim() !== "") return known.trim();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, randomBytes(32).toString("base64url"), { mode: 0o600 });
  // A link fails where there is a file already, and never shows a file half written.
  await link(draft, file).catch(() => {});
  await rm(draft, { force: true });
  return (await readFile(file, "utf8")).trim();
}

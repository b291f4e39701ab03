import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The owner as a whole, which carries its session: `data.coder_workspace_owner.me` without an attribute behind it. */
const WHOLE_OWNER = /\bcoder_workspace_owner\.[a-z_][\w-]*(?![\w-])(?!\s*(?:\[\s*\d+\s*\]\s*)?\.\s*[a-z_])/i;
const SESSION = /session_token/i;
const CONFIGURATION = /\.(tf|tofu)(\.json)?$/;

/** Whether the text of a configuration can read the session token of the workspace's owner. True where it is unsure. */
export function readsOwnerSession(text: string): boolean {
  return SESSION.test(text) || WHOLE_OWNER.test(text);
}

/** The same for all configuration in a folder, the modules that `terraform init` has put there included. */
export async function folderReadsOwnerSession(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!CONFIGURATION.test(entry.name)) continue;
    // What a link leads to is not followed, and so not known.
    if (!entry.isFile()) return true;
    if (readsOwnerSession(await readFile(join(entry.parentPath, entry.name), "utf8"))) return true;
  }
  return false;
}

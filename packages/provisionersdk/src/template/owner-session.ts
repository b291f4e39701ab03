import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The owner as a whole, which includes its session: `data.coder_workspace_owner.me` without an attribute after it. */
const WHOLE_OWNER = /\bcoder_workspace_owner\.[a-z_][\w-]*(?![\w-])(?!\s*(?:\[\s*\d+\s*\]\s*)?\.\s*[a-z_])/i;
const SESSION = /session_token/i;
const CONFIGURATION = /\.(tf|tofu)(\.json)?$/;

/** Whether a configuration's text can read the workspace owner's session token. True if unsure. */
export function readsOwnerSession(text: string): boolean {
  return SESSION.test(text) || WHOLE_OWNER.test(text);
}

/** The same for all configuration in a folder, including modules that `terraform init` has downloaded. */
export async function folderReadsOwnerSession(folder: string): Promise<boolean> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!CONFIGURATION.test(entry.name)) continue;
    // Links are not followed, so their targets are unknown.
    if (!entry.isFile()) return true;
    if (readsOwnerSession(await readFile(join(entry.parentPath, entry.name), "utf8"))) return true;
  }
  return false;
}

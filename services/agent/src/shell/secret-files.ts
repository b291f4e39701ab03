import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorMessage, type Logger } from "@fleet/base";
import type { GetManifestResponse } from "@fleet/proto-gen/agent";

/** Of folders and files that did not exist; existing ones keep theirs. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Writes the user's secrets that have a file, before scripts run. A file that cannot be written is logged, and does not
 * keep the workspace from starting. Files of secrets that no longer exist stay: the user may have changed them.
 */
export async function writeSecretFiles(
  secrets: GetManifestResponse["userSecrets"],
  { home, logger }: { home: string; logger: Logger },
): Promise<void> {
  for (const { filePath, value } of secrets) {
    if (filePath === "") continue;
    const path = filePath.startsWith("~/") ? join(home, filePath.slice(2)) : filePath;
    try {
      await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
      await writeFile(path, value, { mode: FILE_MODE });
    } catch (error) {
      logger.error("Could not write the file of a secret.", { path, error: errorMessage(error) });
    }
  }
}

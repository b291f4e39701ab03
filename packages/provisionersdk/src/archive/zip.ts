import { isFleetError } from "@fleet/base";
import { unzipSync } from "fflate";
import { type ArchiveEntry, archiveError, createBudget, safePath } from "./entry.js";

/**
 * Every file and folder of a zip. Sizes are judged by the directory before anything is inflated, and inflating never
 * goes beyond the stated size, so a lying header costs a broken file and no memory. Links come out as plain files.
 */
export function readZip(bytes: Uint8Array): ArchiveEntry[] {
  const budget = createBudget();
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, originalSize }) => {
        budget.spend(originalSize);
        safePath(name);
        return true;
      },
    });
    return Object.entries(files)
      .map(
        ([name, content]): ArchiveEntry => ({
          path: safePath(name),
          type: name.endsWith("/") ? "directory" : "file",
          executable: false,
          bytes: content,
        }),
      )
      .filter((entry) => entry.path !== "");
  } catch (error) {
    if (isFleetError(error)) throw error;
    throw archiveError("it is not a whole zip file. Upload it again.", error);
  }
}

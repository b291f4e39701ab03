import { queryOptions } from "@tanstack/react-query";
import { strFromU8, unzipSync } from "fflate";
import { client } from "./client.js";

/** The text of a template's file; undefined if it is binary, or too long to show. */
export type SourceFile = { path: string; bytes: number; text: string | undefined };

/** Longer files are not shown. */
const MAX_SHOWN_BYTES = 512 * 1_024;
/** Of an archive with more files, the others are not shown. */
const MAX_FILES = 2_000;

/** The files of an archive, such as `job.file_id` of a version, by path. They never change. */
export const sourceQuery = (file: string) =>
  queryOptions({
    queryKey: ["source", file],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async ({ signal }) => {
      const response = await client.fileDownload({ params: { file }, query: { format: "zip" }, signal });
      return readZip(new Uint8Array(await response.arrayBuffer()));
    },
  });

/** The regular files of a zip archive, by path. */
export function readZip(archive: Uint8Array): SourceFile[] {
  const long = new Map<string, number>();
  let count = 0;
  const files = unzipSync(archive, {
    filter({ name, originalSize }) {
      if (name.endsWith("/") || ++count > MAX_FILES) return false;
      if (originalSize > MAX_SHOWN_BYTES) long.set(name, originalSize);
      return originalSize <= MAX_SHOWN_BYTES;
    },
  });
  return [
    ...Object.entries(files).map(([name, bytes]) => ({
      path: name.replace(/^(?:\.\/)+/, ""),
      bytes: bytes.length,
      text: bytes.includes(0) ? undefined : strFromU8(bytes),
    })),
    ...[...long].map(([path, bytes]) => ({ path, bytes, text: undefined })),
  ].sort((one, other) => one.path.localeCompare(other.path));
}

import { createReadStream, createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createZstdCompress } from "node:zlib";

const LEVEL = 9;

/** Writes FILE.zst beside the file, for coderd to serve from. */
export async function compress(file) {
  const packed = `${file}.zst`;
  const encoder = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });
  await pipeline(createReadStream(file), encoder, createWriteStream(`${packed}.partial`));
  await rename(`${packed}.partial`, packed);
}

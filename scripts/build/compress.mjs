import { createReadStream, createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";

const ENCODERS = {
  zst: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
  gz: () => createGzip({ level: 6 }),
};

/** The file extensions of a compressed executable. */
export const PACKED = Object.keys(ENCODERS);

/** Writes FILE.zst and FILE.gz beside the file, for coderd to serve. */
export async function compress(file) {
  for (const [ending, encoder] of Object.entries(ENCODERS)) {
    const packed = `${file}.${ending}`;
    await pipeline(createReadStream(file), encoder(), createWriteStream(`${packed}.partial`));
    await rename(`${packed}.partial`, packed);
  }
}

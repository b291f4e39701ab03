import { createReadStream, createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createBrotliCompress, createGzip, createZstdCompress } from "node:zlib";

const FILE = {
  zst: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } }),
  gz: () => createGzip({ level: 6 }),
};

/** Assets are small and fetched often: the best that there is. */
const ASSET = {
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
  gz: () => createGzip({ level: 9 }),
  zst: () => createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 19 } }),
};

/** The endings under which an executable is packed, for coderd to serve from. */
export const PACKED = Object.keys(FILE);

/** Writes FILE.zst and FILE.gz beside the executable. */
export const compress = (file) => write(file, FILE);

/** Writes the asset in each encoding that browsers take, beside it. */
export const compressAsset = (file) => write(file, ASSET);

async function write(file, encoders) {
  for (const [ending, encoder] of Object.entries(encoders)) {
    const packed = `${file}.${ending}`;
    await pipeline(createReadStream(file), encoder(), createWriteStream(`${packed}.partial`));
    await rename(`${packed}.partial`, packed);
  }
}

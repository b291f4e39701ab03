import { createReadStream, createWriteStream } from "node:fs";
import { rename } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";

/** Writes FILE.gz and FILE.zst beside the file, for servers to send to clients that accept them. */
export async function compress(file) {
  await Promise.all([
    write(file, `${file}.gz`, createGzip()),
    write(file, `${file}.zst`, createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 9 } })),
  ]);
}

async function write(from, to, encoder) {
  await pipeline(createReadStream(from), encoder, createWriteStream(`${to}.partial`));
  await rename(`${to}.partial`, to);
}

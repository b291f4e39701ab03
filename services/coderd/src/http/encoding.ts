import { promisify } from "node:util";
import { brotliCompress, constants, gzip, zstdCompress } from "node:zlib";

/** Response encodings, best first. */
export const ENCODINGS = ["zstd", "br", "gzip"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/** Anything smaller fits in one packet anyway. */
const MIN_BYTES = 1_024;
const COMPRESSIBLE = /^(?:application\/(?:json|scim\+json|x-tar|xml|javascript)|text\/|image\/svg\+xml)/;

const compressors: Record<Encoding, (bytes: Uint8Array) => Promise<Buffer>> = {
  br: (bytes) =>
    promisify(brotliCompress)(bytes, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: 4,
        [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
      },
    }),
  gzip: (bytes) => promisify(gzip)(bytes, { level: 6 }),
  zstd: (bytes) => promisify(zstdCompress)(bytes),
};

/**
 * Picks the available encoding with the highest client weight, and the better one if equal. Undefined: send
 * uncompressed. `Accept-Encoding` follows RFC 9110 §12.5.3; a missing header means uncompressed.
 */
export function negotiate(
  accept: string | undefined,
  available: readonly Encoding[] = ENCODINGS,
): Encoding | undefined {
  const weights = new Map<string, number>();
  for (const part of (accept ?? "").toLowerCase().split(",")) {
    const [name, ...parameters] = part.split(";").map((piece) => piece.trim());
    if (!name) continue;
    const q = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
    const weight = q === undefined ? 1 : Number(q);
    weights.set(name === "x-gzip" ? "gzip" : name, weight >= 0 && weight <= 1 ? weight : 0);
  }
  const weightOf = (name: string) => weights.get(name) ?? weights.get("*") ?? 0;
  let best: Encoding | undefined;
  for (const encoding of ENCODINGS) {
    if (!available.includes(encoding)) continue;
    if (weightOf(encoding) > (best ? weightOf(best) : 0)) best = encoding;
  }
  // The client prefers it uncompressed.
  return best && (weights.get("identity") ?? 0) > weightOf(best) ? undefined : best;
}

/** True for compressible content that is large enough to be worth compressing. */
export function isCompressible(contentType: string, bytes: number): boolean {
  return bytes >= MIN_BYTES && COMPRESSIBLE.test(contentType);
}

export function compress(encoding: Encoding, bytes: Uint8Array): Promise<Buffer> {
  return compressors[encoding](bytes);
}

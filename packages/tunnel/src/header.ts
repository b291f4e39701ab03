import { FleetError } from "@fleet/base";

/** What kind of service a stream is for, such as `ssh`, `pty`, `tcp` or `http`. The accepting side knows its own. */
export type StreamKind = string;

/** What a stream is opened for. */
export type StreamHeader = {
  /** 1 to 32 bytes. */
  kind: StreamKind;
  /** The target, in the kind's own syntax, such as `127.0.0.1:8080`. At most 1,024 bytes. */
  target: string;
  /** Additional metadata, at most 32 entries. All together fit 8 KiB. */
  meta?: Record<string, string>;
};

const MAX_KIND_BYTES = 32;
const MAX_TARGET_BYTES = 1024;
const MAX_META_ENTRIES = 32;
const MAX_HEADER_BYTES = 8 * 1024;

/** The header's payload: JSON. Throws `invalid_argument` if it exceeds a limit. */
export function encodeStreamHeader(header: StreamHeader): Buffer {
  const problem = headerProblem(header);
  const payload = Buffer.from(JSON.stringify(header));
  if (problem || payload.length > MAX_HEADER_BYTES) {
    throw new FleetError("invalid_argument", problem ?? "The stream header is larger than 8 KiB.");
  }
  return payload;
}

/** Parses the header in a peer's payload, undefined if invalid. */
export function decodeStreamHeader(payload: Buffer): StreamHeader | undefined {
  if (payload.length > MAX_HEADER_BYTES) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(payload.toString("utf8"));
  } catch {
    return undefined;
  }
  if (headerProblem(parsed)) return undefined;
  const { kind, target, meta } = parsed as StreamHeader;
  return meta ? { kind, target, meta } : { kind, target };
}

function headerProblem(header: unknown): string | undefined {
  if (typeof header !== "object" || header === null) return "A stream header is an object.";
  const { kind, target, meta } = header as Record<string, unknown>;
  if (typeof kind !== "string" || kind === "" || Buffer.byteLength(kind) > MAX_KIND_BYTES) {
    return "A stream's kind has 1 to 32 bytes.";
  }
  if (typeof target !== "string" || Buffer.byteLength(target) > MAX_TARGET_BYTES) {
    return "A stream's target has at most 1024 bytes.";
  }
  if (meta === undefined) return undefined;
  if (typeof meta !== "object" || meta === null || Array.isArray(meta))
    return "A stream's meta is an object.";
  const values = Object.values(meta);
  if (values.length > MAX_META_ENTRIES || values.some((value) => typeof value !== "string")) {
    return "A stream's meta has at most 32 entries, each of them text.";
  }
  return undefined;
}

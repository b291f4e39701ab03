import { FleetError } from "@fleet/base";

/** Maximum size of a client's message, such as a paste, in bytes. */
const MAX_MESSAGE_BYTES = 1024 * 1024;

/** The terminal that a client requests in the first message of its stream. */
export type TerminalRequest = { id: string; rows: number; cols: number; command: string };

/** Later messages of a client: input, a size, or both. */
export type TerminalInput = { data?: string; rows?: number; cols?: number };

export type TerminalMessages = {
  /** Parses bytes of the stream. Throws `invalid_argument` for malformed input. */
  push(chunk: Buffer): void;
};

/**
 * Reads the reconnecting terminal's protocol: a uint16 (little endian) and that many bytes of JSON
 * `{ID, Height, Width, Command}`, then a sequence of JSON objects `{data, height, width}`.
 */
export function createTerminalMessages(handlers: {
  onRequest(request: TerminalRequest): void;
  onInput(input: TerminalInput): void;
}): TerminalMessages {
  let buffered = Buffer.alloc(0);
  let requested = false;
  const splitter = createObjectSplitter();

  function request(): boolean {
    if (buffered.length < 2) return false;
    const length = buffered.readUInt16LE(0);
    if (buffered.length < 2 + length) return false;
    const message = parse(buffered.subarray(2, 2 + length));
    buffered = buffered.subarray(2 + length);
    const id = message.ID ?? message.id;
    if (typeof id !== "string" || id === "" || id.length > 128) {
      throw new FleetError("invalid_argument", "The terminal's first message has no valid ID.");
    }
    const command = message.Command ?? message.command ?? "";
    handlers.onRequest({
      id,
      rows: Number(message.Height ?? message.height) || 0,
      cols: Number(message.Width ?? message.width) || 0,
      command: String(command),
    });
    return true;
  }

  return {
    push(chunk) {
      if (!requested) {
        buffered = Buffer.concat([buffered, chunk]);
        requested = request();
        if (!requested) return;
        chunk = buffered;
        buffered = Buffer.alloc(0);
      }
      for (const text of splitter(chunk)) {
        const { data, height, width } = parse(text);
        handlers.onInput({
          data: typeof data === "string" ? data : undefined,
          rows: Number(height) || undefined,
          cols: Number(width) || undefined,
        });
      }
    },
  };
}

function parse(bytes: Buffer): Record<string, unknown> {
  try {
    const value = JSON.parse(bytes.toString("utf8"));
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // Reported below.
  }
  throw new FleetError("invalid_argument", "A terminal message is not valid JSON.");
}

/** Splits a stream of JSON objects, with or without whitespace between them. */
function createObjectSplitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (chunk) => {
    const objects: Buffer[] = [];
    const from = rest.length;
    const all = from === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let at = from; at < all.length; at++) {
      const byte = all[at];
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === 0x5c) escaped = true;
        else if (byte === 0x22) inString = false;
      } else if (byte === 0x22) inString = true;
      else if (byte === 0x7b) depth++;
      else if (byte === 0x7d && --depth === 0) {
        objects.push(all.subarray(start, at + 1));
        start = at + 1;
      }
    }
    rest = all.subarray(start);
    if (rest.length > MAX_MESSAGE_BYTES || depth < 0) {
      throw new FleetError("invalid_argument", "A terminal message is larger than 1 MiB, or not valid JSON.");
    }
    return objects;
  };
}

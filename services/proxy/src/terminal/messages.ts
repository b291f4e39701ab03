import { FleetError } from "@fleet/base";
import type { RawData } from "ws";
import { z } from "zod";

const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;
const MAX_CELLS = 0xffff;
// Escaped as JSON, it still fits into a uint16 length.
const MAX_COMMAND_CHARACTERS = 8 * 1024;

const size = z.coerce.number().int().min(1).max(MAX_CELLS);
const query = z.object({
  reconnect: z.uuid("Must be a UUID. Use the same UUID to reconnect to the terminal."),
  height: size.default(DEFAULT_ROWS),
  width: size.default(DEFAULT_COLUMNS),
  command: z.string().max(MAX_COMMAND_CHARACTERS).default(""),
  container: z.string().max(255).default(""),
  container_user: z.string().max(255).default(""),
  backend_type: z.enum(["", "screen", "buffered"]).default(""),
});

/** True if the client asks for heartbeats: an empty message every few seconds, so that it can detect a lost server. */
export function asksForHeartbeat(parameters: URLSearchParams): boolean {
  return parameters.get("heartbeat") === "true";
}

/**
 * The first message to the agent: a uint16 (little-endian) with the length of the JSON that follows, whose keys are
 * capitalized. Throws `invalid_argument` for an invalid query.
 */
export function openingMessage(parameters: URLSearchParams): Buffer {
  const parsed = query.safeParse(Object.fromEntries(parameters));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FleetError(
      "invalid_argument",
      `Cannot open the terminal. ${issue?.path.join(".")}: ${issue?.message}`,
    );
  }
  const { reconnect, height, width, command, container, container_user, backend_type } = parsed.data;
  const json = Buffer.from(
    JSON.stringify({
      ID: reconnect,
      Height: height,
      Width: width,
      Command: command,
      Container: container,
      ContainerUser: container_user,
      BackendType: backend_type,
    }),
  );
  const message = Buffer.alloc(2 + json.length);
  message.writeUInt16LE(json.length, 0);
  json.copy(message, 2);
  return message;
}

const clientMessage = z.object({
  data: z.string().optional(),
  height: z.number().int().min(0).max(MAX_CELLS).optional(),
  width: z.number().int().min(0).max(MAX_CELLS).optional(),
});

/** A client's message as sent to the agent: one JSON object and a newline. Undefined if invalid. */
export function readClientMessage(raw: RawData): Buffer | undefined {
  try {
    const text = Array.isArray(raw)
      ? Buffer.concat(raw).toString("utf8")
      : Buffer.from(raw as Buffer).toString("utf8");
    const message = clientMessage.parse(JSON.parse(text));
    return Buffer.from(`${JSON.stringify(message)}\n`);
  } catch {
    return undefined;
  }
}

import type { LogFields, Logger } from "@fleet/base";
import {
  type DestinationStream,
  destination,
  type LevelWithSilent,
  type Logger as Pino,
  pino,
  stdSerializers,
} from "pino";
import { humanStream } from "./human-log.js";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const satisfies LevelWithSilent[];
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LoggerOptions = {
  /** The program's name, logged on each line as `service`. */
  service: string;
  level?: LogLevel;
  /** Human-readable lines instead of JSON. */
  human?: boolean;
  /** The destination; standard error by default. */
  stream?: DestinationStream;
};

/**
 * Keys whose values are always redacted in log fields, to a depth of three. A safety net: code must not log
 * secrets in the first place.
 */
const SECRET_KEYS = [
  "token",
  "session_token",
  "sessionToken",
  "password",
  "hashed_password",
  "secret",
  "client_secret",
  "authorization",
  "cookie",
  "set-cookie",
  "psk",
  "key_secret",
  "private_key",
  "privateKey",
  "Coder-Session-Token",
  "coder-session-token",
];
const REDACTED_PATHS = SECRET_KEYS.flatMap((key) =>
  ["", "*.", "*.*."].map((depth) => `${depth}["${key}"]`.replace(".[", "[")),
);

/** The logger of a process: one JSON object per line, with the time in RFC 3339 and the level as a word. */
export function createLogger(options: LoggerOptions): Logger {
  const stream = options.stream ?? openLog("/dev/stderr");
  const root = pino(
    {
      level: options.level ?? "info",
      base: { service: options.service },
      messageKey: "msg",
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err, cause: stdSerializers.err },
      redact: { paths: REDACTED_PATHS, censor: "[redacted]" },
    },
    options.human ? humanStream(stream) : stream,
  );
  return wrap(root);
}

/** The log destination: standard error or output by name, else a file to append to. */
export function openLog(path: string): DestinationStream {
  if (path === "/dev/stderr") return destination({ fd: 2, sync: true });
  if (path === "/dev/stdout") return destination({ fd: 1, sync: true });
  return destination({ dest: path, append: true, mkdir: true, sync: true });
}

function wrap(line: Pino): Logger {
  return {
    debug: (message, fields) => line.debug(fields ?? {}, message),
    info: (message, fields) => line.info(fields ?? {}, message),
    warn: (message, fields) => line.warn(fields ?? {}, message),
    error: (message, fields) => line.error(fields ?? {}, message),
    child: (fields: LogFields) => wrap(line.child(fields)),
  };
}

/** Fields of a log line. Values must be safe to print: no token, no secret, no template variable. */
export type LogFields = Record<string, unknown>;

/** The interface that all code logs through; `telemetry` provides the implementation. */
export type Logger = {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  child(fields: LogFields): Logger;
};

/** Drops every line. */
export const nullLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => nullLogger,
};

import { inspect } from "node:util";
import type { LogFields, Logger } from "@fleet/base";

export type LogLine = {
  level: "debug" | "info" | "warn" | "error";
  message: string;
  fields: LogFields;
};

export type LogCapture = {
  readonly logger: Logger;
  readonly lines: readonly LogLine[];
  /** All lines as text, including fields: to assert that a secret was not logged. */
  text(): string;
  /** The same, and clears the lines. */
  takeText(): string;
};

/** A logger that keeps its lines for the test to inspect. */
export function captureLogs(): LogCapture {
  const lines: LogLine[] = [];
  const loggerWith = (bound: LogFields): Logger => {
    const at = (level: LogLine["level"]) => (message: string, fields: LogFields) =>
      void lines.push({ level, message, fields: { ...bound, ...fields } });
    return {
      debug: at("debug") as Logger["debug"],
      info: at("info") as Logger["info"],
      warn: at("warn") as Logger["warn"],
      error: at("error") as Logger["error"],
      child: (fields) => loggerWith({ ...bound, ...fields }),
    };
  };
  return {
    logger: loggerWith({}),
    lines,
    text: () => lines.map(format).join("\n"),
    takeText: () => lines.splice(0).map(format).join("\n"),
  };
}

function format({ level, message, fields }: LogLine): string {
  const rest = Object.keys(fields).length > 0 ? ` ${inspect(fields, { breakLength: 200, depth: 6 })}` : "";
  return `${level.padEnd(5)} ${message}${rest}`;
}

const testCaptures = new Set<LogCapture>();

/** A logger for the code under test: its lines are printed if the test fails (see jest-setup.ts). */
export function createTestLogger(): Logger {
  const capture = captureLogs();
  testCaptures.add(capture);
  return capture.logger;
}

/** Returns the lines of every test logger, and clears them. */
export function takeTestLogs(): string {
  const logs = [...testCaptures].map((capture) => capture.takeText()).filter((text) => text !== "");
  return logs.join("\n");
}

import { styleText } from "node:util";
import type { DestinationStream } from "pino";

const COLOURS = { debug: "gray", info: "cyan", warn: "yellow", error: "red" } as const;

/** Turns pino's JSON lines into `12:00:01.250 info  service: message  key=value`, colored on a terminal. */
export function humanStream(stream: DestinationStream): DestinationStream {
  return { write: (line) => stream.write(`${formatHuman(line)}\n`) };
}

/** Formats one of our JSON lines for humans. Anything else is returned unchanged. */
export function formatHuman(line: string): string {
  const parsed = parseLine(line);
  if (!parsed) return line;
  const { time, level, service, msg, ...fields } = parsed;
  const clock = String(time).slice(11, 23);
  const colour = COLOURS[level as keyof typeof COLOURS] ?? "white";
  const word = styleText(colour, String(level).padEnd(5), { stream: process.stderr });
  const rest = Object.entries(fields).map(([key, value]) => `  ${key}=${formatValue(value)}`);
  return `${clock} ${word} ${service}: ${msg}${rest.join("")}`;
}

function parseLine(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{"level":')) return undefined;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function formatValue(value: unknown): string {
  if (typeof value === "object" && value !== null && "stack" in value) return String(value.stack);
  return typeof value === "string" && !/\s/.test(value) ? value : JSON.stringify(value);
}

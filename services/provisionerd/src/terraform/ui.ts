import { stripVTControlCharacters } from "node:util";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LogLevel } from "@fleet/proto-gen/provisioner";
import type { Report } from "@fleet/provisionersdk";
import { type Diagnostic, describe, hasTexts, isDiagnostic, isObject } from "./diagnostic.js";

/** A message of terraform's machine-readable UI, as far as we use it. */
type UiMessage = {
  "@level"?: string;
  "@message"?: string;
  "@timestamp"?: string;
  type?: string;
  diagnostic?: Diagnostic;
  hook?: { resource: { addr: string; implied_provider: string }; action?: string };
  changes?: { operation: string };
};

const LEVELS: Record<string, LogLevel> = {
  trace: LogLevel.TRACE,
  debug: LogLevel.DEBUG,
  info: LogLevel.INFO,
  warn: LogLevel.WARN,
  error: LogLevel.ERROR,
};

/** Maximum number of errors included in the job's error. */
const MAX_ERRORS = 5;
/** Maximum number of warnings remembered, so that each is logged once. */
const MAX_TOLD = 200;

export type UiReader = {
  /** Handles one line of standard output; `cut` if it was truncated. */
  line(text: string, cut?: boolean): void;
  /** terraform's error messages; empty if it printed none. */
  readonly errors: readonly string[];
};

/**
 * Parses terraform's `-json` output: each message becomes a log line, and each start and end a timing. `stage` is the
 * phase of the timings; `onPlanned` is called when planning has finished.
 */
export function createUiReader(options: {
  stage: string;
  report: Report;
  /** Warnings already in the job's log: plan and apply print the same ones. */
  told: Set<string>;
  onPlanned?: (() => void) | undefined;
}): UiReader {
  const { stage, report, told } = options;
  const errors: string[] = [];
  const begun = new Map<string, Date>();

  function time({ type = "", hook, "@timestamp": stamp }: UiMessage): void {
    const match = /^(apply|refresh|provision|ephemeral_op)_(start|complete|errored)$/.exec(type);
    if (!match || !hook || !stamp) return;
    const [, kind, moment] = match;
    const key = `${kind} ${hook.resource.addr} ${hook.action ?? ""}`;
    const at = new Date(stamp);
    if (moment === "start") {
      begun.set(key, at);
      return;
    }
    const startedAt = begun.get(key);
    if (!startedAt) return;
    begun.delete(key);
    report.timing({
      startedAt: timestampFromDate(startedAt),
      endedAt: timestampFromDate(at),
      // Reads of a plan use the same messages in every command.
      stage: hook.action === "read" || kind === "refresh" ? "plan" : stage,
      source: hook.resource.implied_provider,
      action: hook.action ?? kind!,
      resource: hook.resource.addr,
      failed: moment === "errored",
    });
  }

  function isFirst(sentence: string): boolean {
    if (told.has(sentence)) return false;
    if (told.size < MAX_TOLD) told.add(sentence);
    return true;
  }

  return {
    errors,
    line(text, cut = false) {
      if (cut && text.startsWith("{")) {
        // Its content is unknown and may be an output.
        report.log(LogLevel.WARN, "A Terraform message was too long to show (more than 1 MiB).");
        return;
      }
      const message = parse(text);
      if (!message) {
        // Warnings about the CLI configuration, which each command prints.
        const plain = stripVTControlCharacters(text).trimEnd();
        if (plain !== "" && isFirst(plain)) report.log(LogLevel.INFO, plain);
        return;
      }
      time(message);
      const level = LEVELS[message["@level"] ?? "info"] ?? LogLevel.INFO;
      const { diagnostic } = message;
      if (diagnostic) {
        const sentence = describe(diagnostic);
        if (diagnostic.severity === "error" && errors.length < MAX_ERRORS) errors.push(sentence);
        if (diagnostic.severity === "warning" && !isFirst(sentence)) return;
        for (const part of sentence.split("\n")) report.log(level, part);
      } else if (message.type === "version") report.log(LogLevel.DEBUG, message["@message"] ?? "");
      // Outputs may contain secrets.
      else if (message.type !== "outputs") report.log(level, message["@message"] ?? "");
      if (message.type === "change_summary" && message.changes?.operation === "plan") options.onPlanned?.();
    },
  };
}

function parse(line: string): UiMessage | undefined {
  const text = line.includes("\u001b") && !line.startsWith("{") ? stripVTControlCharacters(line) : line;
  if (!text.startsWith("{")) return undefined;
  try {
    const message: unknown = JSON.parse(text);
    return isUiMessage(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Other programs may print JSON of another shape to terraform's output: treat it as text. */
function isUiMessage(value: unknown): value is UiMessage {
  if (!hasTexts(value, "@level", "@message", "@timestamp", "type")) return false;
  const { diagnostic, hook, changes, "@timestamp": stamp } = value;
  if (stamp !== undefined && Number.isNaN(Date.parse(String(stamp)))) return false;
  if (changes !== undefined && !hasTexts(changes, "operation")) return false;
  if (hook !== undefined && !isHook(hook)) return false;
  return diagnostic === undefined || isDiagnostic(diagnostic);
}

function isHook(given: unknown): boolean {
  if (!hasTexts(given, "action") || !isObject(given.resource)) return false;
  const { addr, implied_provider } = given.resource;
  return typeof addr === "string" && typeof implied_provider === "string";
}

/** Logs a line of terraform's own log (TF_LOG=JSON on standard error). */
export function logTrace(report: Report, text: string): void {
  const message = parse(text);
  report.log(LEVELS[message?.["@level"] ?? ""] ?? LogLevel.DEBUG, message?.["@message"] ?? text);
}

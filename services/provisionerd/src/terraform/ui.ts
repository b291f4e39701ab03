import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { LogLevel } from "@fleet/proto-gen/provisioner";
import type { Report } from "@fleet/provisionersdk";

/** A message of terraform's machine-readable UI, as far as it is used. */
type UiMessage = {
  "@level"?: string;
  "@message"?: string;
  "@timestamp"?: string;
  type?: string;
  diagnostic?: {
    severity: string;
    summary: string;
    detail?: string;
    address?: string;
    range?: { filename: string; start: { line: number } };
  };
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

/** Sentences of errors that are kept for the job's own. */
const MAX_ERRORS = 5;
/** Warnings of a job that are remembered, so that each is told once. */
const MAX_TOLD = 200;

export type UiReader = {
  /** One line of standard output; `cut` where only its beginning is there. */
  line(text: string, cut?: boolean): void;
  /** What went wrong, in terraform's words; empty when it named no error. */
  readonly errors: readonly string[];
};

/**
 * Reads what terraform prints with `-json`: each message becomes a log line, and each pair of start and end a timing.
 * `stage` is the phase that timings belong to; `onPlanned` is called when planning has ended.
 */
export function createUiReader(options: {
  stage: string;
  report: Report;
  /** Warnings that the job's log has already: a plan and the apply of it say the same. */
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
      // Reading for a plan goes by the same messages, whatever command it happens in.
      stage: hook.action === "read" || kind === "refresh" ? "plan" : stage,
      source: hook.resource.implied_provider,
      action: hook.action ?? kind!,
      resource: hook.resource.addr,
      failed: moment === "errored",
    });
  }

  return {
    errors,
    line(text, cut = false) {
      if (cut && text.startsWith("{")) {
        // What it is about cannot be told, and it may be an output.
        report.log(LogLevel.WARN, "A Terraform message was too long to show (more than 1 MiB).");
        return;
      }
      const message = parse(text);
      if (!message) {
        report.log(LogLevel.INFO, text);
        return;
      }
      time(message);
      const level = LEVELS[message["@level"] ?? "info"] ?? LogLevel.INFO;
      const { diagnostic } = message;
      if (diagnostic) {
        const sentence = describe(diagnostic);
        if (diagnostic.severity === "error" && errors.length < MAX_ERRORS) errors.push(sentence);
        if (diagnostic.severity === "warning") {
          if (told.has(sentence)) return;
          if (told.size < MAX_TOLD) told.add(sentence);
        }
        for (const part of sentence.split("\n")) report.log(level, part);
      } else if (message.type === "version") report.log(LogLevel.DEBUG, message["@message"] ?? "");
      // Outputs may hold what nobody but the template should see.
      else if (message.type !== "outputs") report.log(level, message["@message"] ?? "");
      if (message.type === "change_summary" && message.changes?.operation === "plan") options.onPlanned?.();
    },
  };
}

function describe({
  severity,
  summary,
  detail,
  address,
  range,
}: NonNullable<UiMessage["diagnostic"]>): string {
  const places = [range && `${range.filename}:${range.start.line}`, address].filter(Boolean);
  const where = places.length > 0 ? ` (${places.join(", ")})` : "";
  const kind = severity === "warning" ? "Warning: " : "";
  return `${kind}${summary}${where}${detail ? `: ${detail}` : ""}`;
}

function parse(text: string): UiMessage | undefined {
  if (!text.startsWith("{")) return undefined;
  try {
    const message: unknown = JSON.parse(text);
    return isUiMessage(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

/** Whatever prints to terraform's output may print JSON of another shape: that is text like any other. */
function isUiMessage(value: unknown): value is UiMessage {
  const message = value as Record<string, unknown>;
  const texts = (of: unknown, ...names: string[]) =>
    isObject(of) && names.every((name) => of[name] === undefined || typeof of[name] === "string");
  const { diagnostic, hook, changes, "@timestamp": stamp } = message;
  if (!texts(message, "@level", "@message", "@timestamp", "type")) return false;
  if (stamp !== undefined && Number.isNaN(Date.parse(String(stamp)))) return false;
  if (changes !== undefined && !texts(changes, "operation")) return false;
  if (hook !== undefined && !isHook(hook)) return false;
  return diagnostic === undefined || isDiagnostic(diagnostic);

  function isHook(given: unknown): boolean {
    if (!texts(given, "action")) return false;
    const { resource } = given as { resource?: unknown };
    return (
      isObject(resource) &&
      [resource.addr, resource.implied_provider].every((text) => typeof text === "string")
    );
  }

  function isDiagnostic(given: unknown): boolean {
    if (!texts(given, "severity", "summary", "detail", "address")) return false;
    const { summary, range } = given as { summary?: unknown; range?: unknown };
    if (typeof summary !== "string") return false;
    return (
      range === undefined || (texts(range, "filename") && isObject((range as { start?: unknown }).start))
    );
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** A line of terraform's own log, which TF_LOG=JSON brings on standard error. */
export function logTrace(report: Report, text: string): void {
  const message = parse(text);
  report.log(LEVELS[message?.["@level"] ?? ""] ?? LogLevel.DEBUG, message?.["@message"] ?? text);
}

import { isMessage } from "@bufbuild/protobuf";
import {
  AttributePathSchema,
  Diagnostic_Severity,
  DiagnosticSchema,
  DynamicValueSchema,
  RawStateSchema,
} from "../gen/tfplugin5_pb.js";
import { decodeValue, encodeValue, isUnknown, isValues, UNKNOWN, type Value } from "../wire/value.js";

/** JSON has no unknown values. */
const UNKNOWN_MARK = "<unknown>";

/** A plugin protocol message as readable JSON, without private bytes and descriptions. */
export function plain(message: unknown): unknown {
  if (isMessage(message, DynamicValueSchema)) return markUnknown(decodeValue(message));
  if (isMessage(message, RawStateSchema)) return JSON.parse(Buffer.from(message.json).toString("utf8"));
  if (isMessage(message, DiagnosticSchema)) return Diagnostic_Severity[message.severity];
  if (isMessage(message, AttributePathSchema))
    return message.steps.map((step) => String(step.selector.value));
  if (message instanceof Uint8Array) return undefined;
  if (Array.isArray(message)) return message.map(plain);
  if (typeof message !== "object" || message === null) {
    return typeof message === "bigint" ? Number(message) : message;
  }
  const entries = Object.entries(message)
    .filter(([name]) => !name.startsWith("$"))
    .map(([name, value]) => [name, plain(value)] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** The value that `plain` wrote. */
export function unplain(value: unknown) {
  return encodeValue(restoreUnknown(value as Value));
}

function markUnknown(value: Value): Value {
  if (isUnknown(value)) return UNKNOWN_MARK;
  return mapChildren(value, markUnknown);
}

function restoreUnknown(value: Value): Value {
  if (value === UNKNOWN_MARK) return UNKNOWN;
  return mapChildren(value, restoreUnknown);
}

function mapChildren(value: Value, change: (child: Value) => Value): Value {
  if (Array.isArray(value)) return value.map(change);
  if (isValues(value))
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, change(child)]));
  return value;
}

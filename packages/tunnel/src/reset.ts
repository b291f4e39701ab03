import { type ErrorCode, FleetError, isFleetError } from "@fleet/base";

/**
 * A machine-readable reason for a stream's reset, in addition to the error's code, sent with the reset.
 * A peer that does not know the reason sees only the code and the message.
 */
export type ResetReason =
  /** A tunnel that carried the stream, this one or one further on, was closed. */
  | "tunnel_closed"
  /** The requested replica does not hold the agent's tunnel. */
  | "agent_not_here";

const REASONS = new Set<string>(["tunnel_closed", "agent_not_here"] satisfies ResetReason[]);

/** The error of a stream that was reset, or refused, for a reason that programs act on. */
export class StreamReset extends FleetError {
  readonly reason: ResetReason;

  constructor(reason: ResetReason, code: ErrorCode, message: string) {
    super(code, message);
    this.reason = reason;
  }
}

export function isReset(error: unknown, reason: ResetReason): boolean {
  return isFleetError(error) && error instanceof StreamReset && error.reason === reason;
}

/** Behind the sentence, which holds no NUL. */
const SEPARATOR = "\0";

/** The sentence of a reset as it travels, and the reason with it. */
export function resetText(error: FleetError): string {
  const sentence = error.message.replaceAll(SEPARATOR, "");
  return error instanceof StreamReset ? `${sentence}${SEPARATOR}${error.reason}` : sentence;
}

/** The error for such a text and its code. */
export function errorOfReset(code: ErrorCode, text: string): FleetError {
  const [sentence = "", reason = ""] = text.split(SEPARATOR, 2);
  const message = sentence || "The other end reset the stream.";
  return REASONS.has(reason)
    ? new StreamReset(reason as ResetReason, code, message)
    : new FleetError(code, message);
}

import { FleetError } from "@fleet/base";

/** The closest domain codes, for clients that read codes. */
const CODES = {
  405: "unimplemented",
  408: "deadline_exceeded",
  415: "invalid_argument",
  426: "invalid_argument",
  429: "resource_exhausted",
} as const;

/** An HTTP-level error with a status that no domain code maps to. */
export class HttpRefusal extends FleetError {
  override readonly name = "HttpRefusal";
  readonly status: keyof typeof CODES;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: HttpRefusal["status"], message: string, headers: Record<string, string> = {}) {
    super(CODES[status], message);
    this.status = status;
    this.headers = headers;
  }
}

/** The path exists but does not support this method. */
export function methodNotAllowed(method: string, allow: readonly string[]): HttpRefusal {
  const list = allow.join(", ");
  return new HttpRefusal(405, `Method ${method} is not allowed. Allowed methods: ${list}.`, { Allow: list });
}

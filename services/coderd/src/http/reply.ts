/** An answer whose status or headers differ from the route's own. */
export class Reply {
  readonly body: unknown;
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[]>;
  /** Id of what the request made, for the audit log, where the body does not name it. */
  readonly made: string | undefined;

  constructor(
    body: unknown,
    options: { status?: number; headers?: Record<string, string | string[]>; made?: string } = {},
  ) {
    this.body = body;
    this.status = options.status;
    this.headers = options.headers ?? {};
    this.made = options.made;
  }
}

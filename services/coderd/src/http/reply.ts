/** A response whose status or headers differ from the route's defaults. */
export class Reply {
  readonly body: unknown;
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[]>;
  /** Id of the created object, for the audit log, if the body does not contain it. */
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

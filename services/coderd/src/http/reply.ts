/** An answer whose status or headers differ from the route's own. */
export class Reply {
  readonly body: unknown;
  readonly status: number | undefined;
  readonly headers: Record<string, string | string[]>;

  constructor(body: unknown, options: { status?: number; headers?: Record<string, string | string[]> } = {}) {
    this.body = body;
    this.status = options.status;
    this.headers = options.headers ?? {};
  }
}

/** A resource that can be released. */
export type Closable = () => void | Promise<void>;

/** Collects resources while something is being built, and closes them in reverse order. */
export type Closer = AsyncDisposable & {
  /** Registers a cleanup. After `close`, it runs at once. */
  add(close: Closable): void;
  /** Runs every cleanup, last added first, even if some fail; then throws the failures, if any. */
  close(): Promise<void>;
  readonly closed: boolean;
};

export function createCloser(): Closer {
  const steps: Closable[] = [];
  let closing: Promise<void> | undefined;

  async function run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = steps.pop(); step; step = steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length === 1) throw failures[0];
    if (failures.length > 1) throw new AggregateError(failures, "Multiple cleanup steps failed.");
  }

  return {
    add(close) {
      if (closing) closing = closing.then(() => close());
      else steps.push(close);
    },
    close() {
      closing ??= run();
      return closing;
    },
    get closed() {
      return closing !== undefined;
    },
    [Symbol.asyncDispose]() {
      return this.close();
    },
  };
}

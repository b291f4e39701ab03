/** The values of several sources, each at its own pace, until all have ended or the reader stops. An error ends all. */
export async function* merge<T>(...sources: AsyncIterable<T>[]): AsyncGenerator<T> {
  const readers = sources.map((source) => source[Symbol.asyncIterator]());
  const read = (reader: AsyncIterator<T>) => reader.next().then((result) => ({ reader, result }));
  const pending = new Map(readers.map((reader) => [reader, read(reader)]));
  try {
    while (pending.size > 0) {
      const { reader, result } = await Promise.race(pending.values());
      if (result.done) pending.delete(reader);
      else {
        pending.set(reader, read(reader));
        yield result.value;
      }
    }
  } finally {
    // A source that is waiting ends by its own signal; the others end here.
    for (const reader of readers) void reader.return?.()?.catch(() => {});
  }
}

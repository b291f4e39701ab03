/** A page of a list, and how many items there are in all where the server says so. */
export type Page<T> = { items: readonly T[]; count?: number };

/** Items per page, where the server lets us choose. */
export const PAGE_SIZE = 100;

/** Every item of a list that is given out by pages. What moves between two pages meanwhile comes once. */
export async function allPages<T extends { id: string }>(
  read: (offset: number) => Promise<Page<T>>,
): Promise<T[]> {
  const all = new Map<string, T>();
  for (let offset = 0; ; ) {
    const { items, count } = await read(offset);
    for (const item of items) all.set(item.id, item);
    offset += items.length;
    if (items.length === 0 || (count !== undefined && offset >= count)) return [...all.values()];
  }
}

/** Every line of a log that is given out by pages, page by page; each begins after the last line of the one before. */
export async function* logPages<T extends { id: number }>(
  read: (after: number | undefined) => Promise<readonly T[]>,
): AsyncGenerator<readonly T[]> {
  for (let after: number | undefined; ; ) {
    const lines = await read(after);
    const last = lines.at(-1)?.id;
    if (last === undefined || last === after) return;
    yield lines;
    after = last;
  }
}

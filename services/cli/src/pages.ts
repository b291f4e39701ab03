/** A page of a list, and the total number of items if the server returns it. */
export type Page<T> = { items: readonly T[]; count?: number };

/** Items per page, if the server allows a choice. */
export const PAGE_SIZE = 100;

/** All items of a paginated list. Items that move between pages meanwhile are returned once. */
export function allPages<T extends { id: string }>(read: (offset: number) => Promise<Page<T>>): Promise<T[]> {
  return firstPages(Number.POSITIVE_INFINITY, (_limit, offset) => read(offset));
}

/** All lines of a paginated log, page by page; each page starts after the last line of the previous one. */
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

/** The first `limit` items of a paged list. Items that move between pages meanwhile are returned once. */
export async function firstPages<T extends { id: string }>(
  limit: number,
  read: (limit: number, offset: number) => Promise<Page<T>>,
): Promise<T[]> {
  const all = new Map<string, T>();
  for (let offset = 0; all.size < limit; ) {
    const { items, count } = await read(Math.min(LARGEST_PAGE, limit - all.size), offset);
    for (const item of items) all.set(item.id, item);
    offset += items.length;
    if (items.length === 0 || (count !== undefined && offset >= count)) break;
  }
  return [...all.values()];
}

/** What the API gives at once, at most, of its logs. */
const LARGEST_PAGE = 1_000;

/** Reads a list page by page, each after the last row of the one before, until a page is empty. */
export async function* pagesOf<Row, Page extends { rows: readonly Row[] }>(
  read: (last: Page["rows"][number] | undefined) => Promise<Page>,
): AsyncGenerator<Page> {
  for (let page = await read(undefined); page.rows.length > 0; page = await read(page.rows.at(-1)))
    yield page;
}

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

/** WCAG 2.2 AA and the practices that axe recommends. */
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds on a page as it is: one sentence for each element. */
export async function violationsOf(page: Page): Promise<string[]> {
  const require = createRequire(resolve(import.meta.dirname, "axe.ts"));
  await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
  const options = { runOnly: { type: "tag", values: TAGS }, resultTypes: ["violations"] };
  const { violations } = (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults;
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, html }) => `${id}: ${help} [${target.join(" ")}] ${html.slice(0, 120)}`),
  );
}

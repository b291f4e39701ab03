import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { createCloser, nullLogger } from "@fleet/base";
import { startPostgres } from "@fleet/embedded";
import { violationsOf } from "../../e2e/harness/axe.js";
import type { BrowserContext, Page } from "../../e2e/harness/browser.js";
import { DIST, type Fleet, startFleet } from "../../e2e/harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate } from "../../e2e/harness/workspace.js";
import { startBrowser } from "./dashboard/browser.js";
import { seed } from "./dashboard/seed.js";
import { median, report, round } from "./report.js";

/**
 * The dashboard in a headless Chromium before a whole fleet on loopback with 10,000 workspaces: what a first visit fetches, when
 * the list can be used, what a long log costs the main thread, what an idle page asks for, when it notices a server that has
 * frozen, and what axe finds on each page in both themes, wide and narrow.
 */
const WORKSPACES = 10_000;
const LINES = 6_500;
const ROUNDS = 5;
const IDLE_MS = 60_000;
const SETTLE_MS = 2_000;
const PAGES = [
  "/workspaces",
  "/workspaces?q=owner:nobody",
  "/@owner/dev",
  "/@owner/dev/builds",
  "/@owner/dev/builds/1",
  "/@owner/dev/settings",
  "/templates",
  "/templates/local",
  "/templates/local/workspace",
  "/notifications",
  "/users",
  "/deployment/provisioners",
  "/deployment/health",
  "/settings/account",
  "/settings/tokens",
  "/settings/notifications",
];
const MENUS = [
  { page: "/workspaces", button: "Columns" },
  { page: "/workspaces", button: "More actions for dev" },
  { page: "/workspaces", button: "Search and commands" },
  { page: "/workspaces", button: /^Account menu/ },
  { page: "/workspaces", button: /^Notifications/ },
  { page: "/@owner/dev", button: "More actions" },
];

/** Marks when the first row's link is drawn. Text, because it runs in the page. */
const MARK_INTERACTIVE = `new MutationObserver((_, observer) => {
  if (!document.querySelector("[role=cell] a")) return;
  observer.disconnect();
  requestAnimationFrame(() => performance.mark("interactive"));
}).observe(document, { childList: true, subtree: true });`;

async function main(): Promise<void> {
  const closer = createCloser();
  try {
    const folder = await mkdtemp(join(tmpdir(), "bench-dashboard-"));
    // Postgres may run as another user, which needs access through this folder.
    await chmod(folder, 0o755);
    closer.add(() => rm(folder, { recursive: true, force: true }));
    const postgres = await startPostgres({ dataDir: join(folder, "pg"), logger: nullLogger });
    closer.add(() => postgres.close());
    const fleet = await startFleet({ env: { CODER_PG_CONNECTION_URL: postgres.url } });
    closer.add(async () => await fleet[Symbol.asyncDispose]());
    await pushLocalTemplate(fleet);
    await createLocalWorkspace(fleet, "dev");
    await seed(postgres.url, { workspaces: WORKSPACES, lines: LINES });
    const browser = await startBrowser();
    closer.add(() => browser.close());
    const visit = async (options: Parameters<typeof browser.newContext>[0] = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
      await context.addCookies([{ name: "coder_session_token", value: fleet.token, url: fleet.url }]);
      return context;
    };
    const lists: Awaited<ReturnType<typeof openList>>[] = [];
    for (let i = 0; i < ROUNDS; i++)
      lists.push(await inContext(visit(), (context) => openList(fleet, context)));
    const log = await inContext(visit(), (context) => openLog(fleet, context));
    const polling = await inContext(visit(), (context) => countRequests(fleet, context));
    const found: string[] = [];
    for (const theme of ["light", "dark"] as const)
      for (const width of [1280, 360])
        found.push(
          ...(await inContext(visit({ colorScheme: theme, viewport: { width, height: 800 } }), (context) =>
            findViolations(fleet, context, width, `${theme}, ${width} px`),
          )),
        );
    const frozen = await inContext(visit(), (context) => noticeFreeze(fleet, context));
    const results = {
      first_load_kb_gzip: round(Math.max(...lists.map(({ kilobytes }) => kilobytes)), 1),
      list_interactive_ms: round(median(lists.map(({ ms }) => ms)), 0),
      log_6500_main_thread_ms: round(log, 0),
      axe_violations: found.length,
      polling_requests_per_minute: polling.length,
      frozen_server_noticed_s: round(frozen / 1_000, 1),
    };
    report({
      bench: "dashboard",
      table: [["measure", "value"], ...Object.entries(results).map(([name, value]) => [name, String(value)])],
      results,
      goals: {
        first_load_kb_gzip: { op: "<=", value: 180 },
        list_interactive_ms: { op: "<=", value: 800 },
        log_6500_main_thread_ms: { op: "<=", value: 500 },
        axe_violations: { op: "<=", value: 0 },
        polling_requests_per_minute: { op: "<=", value: 0 },
        frozen_server_noticed_s: { op: "<=", value: 10 },
      },
      notes: [
        `The seeded workspaces have no agents; ${ROUNDS} cold visits, each without a cache.`,
        ...polling.map((path) => `An idle page asked for ${path}.`),
        ...found,
      ],
    });
  } finally {
    await closer.close();
  }
}

async function inContext<T>(
  opening: Promise<BrowserContext>,
  work: (context: BrowserContext) => Promise<T>,
): Promise<T> {
  const context = await opening;
  try {
    return await work(context);
  } finally {
    await context.close();
  }
}

/** A cold visit: when the first row's link is there, and the scripts fetched until then. */
async function openList(fleet: Fleet, context: BrowserContext): Promise<{ ms: number; kilobytes: number }> {
  const page = await context.newPage();
  await page.addInitScript(MARK_INTERACTIVE);
  await page.goto(`${fleet.url}/workspaces`);
  await page.locator("[role=cell] a").first().waitFor();
  // The mark is set when that is drawn.
  await page.waitForTimeout(100);
  const ms = await page.evaluate<number>('performance.getEntriesByName("interactive")[0].startTime');
  const fetched = await page.evaluate<string[]>(
    'performance.getEntriesByType("resource").map(({ name }) => new URL(name).pathname)',
  );
  const scripts = fetched.filter((path) => path.endsWith(".js"));
  let bytes = 0;
  for (const path of new Set(scripts))
    bytes += gzipSync(await readFile(join(DIST, "site", path)), { level: 9 }).length;
  return { ms, kilobytes: bytes / 1024 };
}

/** The main thread's work to show a long log, from the click that opens it. */
async function openLog(fleet: Fleet, context: BrowserContext): Promise<number> {
  const page = await context.newPage();
  await page.goto(`${fleet.url}/@owner/dev/builds`);
  const session = await context.newCDPSession(page);
  await session.send("Performance.enable");
  const worked = async () => {
    const { metrics } = await session.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")!.value * 1_000;
  };
  await page.getByRole("link", { name: "Start" }).first().waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const before = await worked();
  await page.getByRole("link", { name: "Start" }).first().click();
  await page.getByText(`Line ${LINES} of a long log`).waitFor();
  await page.waitForTimeout(SETTLE_MS);
  return (await worked()) - before;
}

/** What an idle list asks the server for in a minute, besides its stream. */
async function countRequests(fleet: Fleet, context: BrowserContext): Promise<string[]> {
  const page = await context.newPage();
  await page.goto(`${fleet.url}/workspaces`);
  await page.getByRole("link", { name: "dev", exact: true }).waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const asked: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.waitForTimeout(IDLE_MS);
  return asked;
}

async function findViolations(
  fleet: Fleet,
  context: BrowserContext,
  width: number,
  where: string,
): Promise<string[]> {
  const page = await context.newPage();
  const found: string[] = [];
  const look = async (what: string) => {
    for (const violation of await violationsOf(page)) found.push(`${what} (${where}): ${violation}`);
  };
  for (const path of PAGES) {
    await open(page, `${fleet.url}${path}`);
    await look(path);
  }
  for (const menu of MENUS) {
    await open(page, `${fleet.url}${menu.page}`);
    const button = page.getByRole("button", { name: menu.button, exact: typeof menu.button === "string" });
    await button.first().click();
    await page.waitForTimeout(300);
    await look(`${menu.page}, ${menu.button} opened at ${width}`);
  }
  return found;
}

async function open(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator("main :is(h1, h2)").first().waitFor();
  await page.locator("main [aria-label=Loading]").first().waitFor({ state: "hidden" });
}

/** From the moment that all of the server's processes freeze until the page says so. */
async function noticeFreeze(fleet: Fleet, context: BrowserContext): Promise<number> {
  const page = await context.newPage();
  await page.goto(`${fleet.url}/@owner/dev`);
  await page.getByText("Connected", { exact: true }).waitFor();
  await page.waitForTimeout(SETTLE_MS);
  const pids = fleet.pids("proxy");
  for (const pid of pids) process.kill(pid, "SIGSTOP");
  try {
    const begun = performance.now();
    await page.getByText("The server is not responding.").waitFor({ timeout: 60_000 });
    return performance.now() - begun;
  } finally {
    for (const pid of pids) process.kill(pid, "SIGCONT");
  }
}

await main();

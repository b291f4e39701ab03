import { existsSync } from "node:fs";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate } from "./harness/workspace.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
/** Folder for screenshots; none are taken if unset. */
const PICTURES = process.env.E2E_PICTURES;
/** How long a page may take to report that its server is unreachable. */
const NOTICED_MS = 10_000;
/** How long a restart of coderd and the slowest reconnect may take. */
const BACK_LIMIT_MS = 60_000;

const scenario = existsSync(CHROMIUM) ? test : test.skip;

/** Runs a test with a fleet, a workspace and a signed-in browser. */
async function signedIn(run: (fleet: Fleet, context: BrowserContext) => Promise<void>): Promise<void> {
  await using fleet = await startFleet();
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(BACK_LIMIT_MS);
    await context.addCookies([{ name: "coder_session_token", value: fleet.token, url: fleet.url }]);
    await run(fleet, context);
  } finally {
    await browser.close();
  }
}

async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

const lostBanner = (page: Page) => page.getByText("The server is not responding. Reconnecting…");

scenario("every page notices a frozen server within 10 s, and heals without a reload", async () => {
  await signedIn(async (fleet, context) => {
    const [list, workspace, terminal] = [
      await context.newPage(),
      await context.newPage(),
      await context.newPage(),
    ];
    await list.goto(`${fleet.url}/workspaces`);
    await workspace.goto(`${fleet.url}/@owner/dev`);
    await terminal.goto(`${fleet.url}/@owner/dev/terminal`);
    await list.getByRole("link", { name: "dev", exact: true }).waitFor();
    await workspace.getByText("Connected", { exact: true }).waitFor();
    const status = (state: string) => terminal.locator(`[role=status][data-state=${state}]`);
    await status("connected").waitFor();
    await terminal.keyboard.type("KEPT=$((6 * 7))\n");
    const loaded = await Promise.all(
      [list, workspace, terminal].map((page) => page.evaluate(() => performance.timeOrigin)),
    );

    const [proxy] = fleet.pids("proxy");
    process.kill(proxy!, "SIGSTOP");
    try {
      await Promise.all([
        lostBanner(list).waitFor({ timeout: NOTICED_MS }),
        lostBanner(workspace).waitFor({ timeout: NOTICED_MS }),
        status("reconnecting").waitFor({ timeout: NOTICED_MS }),
      ]);
      await picture(workspace, "lost");
      await picture(terminal, "terminal-lost");
    } finally {
      process.kill(proxy!, "SIGCONT");
    }
    await Promise.all([
      lostBanner(list).waitFor({ state: "detached" }),
      lostBanner(workspace).waitFor({ state: "detached" }),
      status("connected").waitFor(),
    ]);
    await terminal.keyboard.type("echo again-$KEPT\n");
    await terminal.locator(".xterm-rows > div", { hasText: /^again-42\s*$/ }).waitFor();

    // Both missed and new events are shown.
    const { workspaces } = await fleet.client.workspaceList();
    await fleet.client.workspaceBuildCreate({
      params: { workspace: workspaces[0]!.id },
      body: { transition: "stop" },
    });
    await workspace.getByText("Stopped", { exact: true }).first().waitFor();
    await picture(workspace, "back");
    const kept = await Promise.all(
      [list, workspace, terminal].map((page) => page.evaluate(() => performance.timeOrigin)),
    );
    expect(kept).toEqual(loaded);
  });
});

scenario("a page sees what is true after coderd has been killed and is back", async () => {
  await signedIn(async (fleet, context) => {
    const page = await context.newPage();
    await page.goto(`${fleet.url}/@owner/dev`);
    await page.getByText("Connected", { exact: true }).waitFor();
    await fleet.kill("coderd");
    const { workspaces } = await fleet.client.workspaceList();
    const params = { workspace: workspaces[0]!.id };
    await fleet.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
    await page.getByText("Stopped", { exact: true }).first().waitFor();
  });
});

scenario(
  "offline is said once; a page that could not be fetched comes when the network is back",
  async () => {
    await signedIn(async (fleet, context) => {
      const page = await context.newPage();
      await page.goto(`${fleet.url}/workspaces`);
      await page.getByRole("link", { name: "dev", exact: true }).waitFor();
      await context.setOffline(true);
      await page.getByText("You are offline.").waitFor({ timeout: NOTICED_MS });
      await page.getByRole("link", { name: "Templates" }).click();
      await page.getByText("It loads automatically when the server can be reached.").waitFor();
      await picture(page, "offline");
      // No API URLs and no error text of the browser.
      const text = (await page.locator("body").textContent())!;
      expect(text).not.toMatch(/\/api\/|dynamically imported|Failed to fetch/);
      expect(text.match(/offline/gi)).toHaveLength(1);
      await context.setOffline(false);
      await page.getByRole("heading", { name: "Templates" }).waitFor();
      await page.getByText("You are offline.").waitFor({ state: "detached" });
      await picture(page, "online");
    });
  },
);

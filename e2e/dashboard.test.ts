import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";
import { startFleet } from "./harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate } from "./harness/workspace.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A fleet that runs, and a workspace on it whose agent is connected; `app` is an app of it that answers. */
type Target = AsyncDisposable & {
  url: string;
  email: string;
  password: string;
  workspace: string;
  app: string | undefined;
};

/** From E2E_URL, E2E_EMAIL, E2E_PASSWORD, E2E_WORKSPACE and E2E_APP; without E2E_URL, a fleet of the test's own. */
async function openTarget(): Promise<Target> {
  const { E2E_URL: url, E2E_EMAIL: email, E2E_PASSWORD: password, E2E_WORKSPACE: workspace } = process.env;
  if (url) {
    if (!email || !password || !workspace) {
      throw new Error("E2E_URL needs E2E_EMAIL, E2E_PASSWORD and E2E_WORKSPACE beside it.");
    }
    const app = process.env.E2E_APP;
    return {
      url: url.replace(/\/+$/, ""),
      email,
      password,
      workspace,
      app,
      async [Symbol.asyncDispose]() {},
    };
  }
  const fleet = await startFleet();
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  return { ...fleet, workspace: "dev", app: "Sample app" };
}

/** Waits until a line of the terminal is this text; fails when it does not come. */
async function expectLine(page: Page, text: string): Promise<void> {
  await page
    .locator(".xterm-rows > div", { hasText: new RegExp(`^${text}\\s*$`) })
    .waitFor({ timeout: 20_000 });
}

/** Collects what the browser holds against a page. */
function watchFaults(page: Page, faults: string[]): void {
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Minified React error/.test(message.text()))
      faults.push(message.text());
  });
}

const scenario = existsSync(CHROMIUM) ? test : test.skip;
if (!existsSync(CHROMIUM)) {
  process.stderr.write(
    `The dashboard's scenario is skipped: there is no ${CHROMIUM}. Install chromium, or name one as E2E_CHROMIUM.\n`,
  );
}

scenario(
  "a developer signs in, opens a workspace and works in its terminal, which survives a reload",
  async () => {
    await using target = await openTarget();
    const browser: Browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
      const page = await context.newPage();
      const faults: string[] = [];
      watchFaults(page, faults);

      // A page that needs a session leads to the login page, and from there back.
      await page.goto(`${target.url}/workspaces`);
      await page.waitForURL("**/login?redirect=%2Fworkspaces");
      await page.getByLabel("Email").fill(target.email);
      await page.getByLabel("Password").fill("not the password");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByRole("alert").waitFor();
      await page.getByLabel("Password").fill(target.password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL("**/workspaces");

      await page.getByRole("link", { name: target.workspace, exact: true }).click();
      await page.getByText("Connected", { exact: true }).waitFor();

      const opened = context.waitForEvent("page");
      await page.getByRole("link", { name: "Terminal" }).click();
      const terminal = await opened;
      watchFaults(terminal, faults);
      await terminal.locator("[role=status][data-state=connected]").waitFor();
      await terminal.keyboard.type("KEPT=$((6 * 7)); echo result-$KEPT\n");
      await expectLine(terminal, "result-42");

      // The same shell, by the id in the address.
      expect(terminal.url()).toMatch(/[?&]reconnect=[0-9a-f-]{36}/);
      await terminal.reload();
      await terminal.locator("[role=status][data-state=connected]").waitFor();
      await terminal.keyboard.type("echo again-$KEPT\n");
      await expectLine(terminal, "again-42");

      if (target.app) {
        const shown = context.waitForEvent("page");
        await page.getByRole("link", { name: target.app }).click();
        await (await shown).getByText("served by").waitFor();
      }

      // Its own build, with its log by stages.
      await page.getByRole("link", { name: "Builds" }).click();
      await page.getByRole("link", { name: "Start" }).first().click();
      await page.getByRole("log", { name: "Build log" }).waitFor();
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);

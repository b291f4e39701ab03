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

/** A running fleet and a workspace with a connected agent; `app` is one of its apps that responds. */
type Target = AsyncDisposable & {
  url: string;
  email: string;
  password: string;
  workspace: string;
  app: string | undefined;
};

/** Reads E2E_URL, E2E_EMAIL, E2E_PASSWORD, E2E_WORKSPACE and E2E_APP; without E2E_URL, starts a fleet. */
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

/** Waits for a line of the terminal with this text; fails on timeout. */
async function expectLine(page: Page, text: string): Promise<void> {
  await page
    .locator(".xterm-rows > div", { hasText: new RegExp(`^${text}\\s*$`) })
    .waitFor({ timeout: 20_000 });
}

/** Collects errors that the browser reports for a page. */
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

      // A page that requires a session redirects to the login page, and back after login.
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

      // The same shell, by the ID in the URL.
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

      // The workspace's build, with its log by stage.
      await page.getByRole("link", { name: "Builds" }).click();
      await page.getByRole("link", { name: "Start" }).first().click();
      await page.getByRole("log", { name: "Build log" }).waitFor();
      expect(faults).toEqual([]);
    } finally {
      await browser.close();
    }
  },
);

import { existsSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { startFleet } from "./harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate } from "./harness/workspace.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
/** Where to leave pictures of what was seen; none are taken without it. */
const PICTURES = process.env.E2E_PICTURES;
/** A restart of coderd, and the slowest try to reach it again. */
const BACK_LIMIT_MS = 60_000;

const scenario = existsSync(CHROMIUM) ? test : test.skip;

scenario("a page that has lost its server says so, and shows what is true once it is back", async () => {
  await using fleet = await startFleet();
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(BACK_LIMIT_MS);
    const picture = async (name: string) => {
      if (PICTURES) await page.screenshot({ path: join(PICTURES, `${name}.png`) });
    };
    await page.goto(`${fleet.url}/login`);
    await page.getByLabel("Email").fill(fleet.email);
    await page.getByLabel("Password").fill(fleet.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL("**/workspaces");
    await page.getByRole("link", { name: "dev", exact: true }).click();
    await page.getByText("Connected", { exact: true }).waitFor();

    const killed = fleet.kill("coderd");
    const notice = page.getByText("Reconnecting…");
    await notice.waitFor();
    await picture("lost");
    await killed;
    await notice.waitFor({ state: "detached" });

    const { workspaces } = await fleet.client.workspaceList();
    const params = { workspace: workspaces[0]!.id };
    await fleet.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
    await page.getByText("Stopped", { exact: true }).first().waitFor();
    await picture("back");
  } finally {
    await browser.close();
  }
});

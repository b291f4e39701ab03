import { existsSync } from "node:fs";
import { waitFor } from "@fleet/testkit";
import { chromium } from "playwright-core";
import { startFleet } from "./harness/fleet.js";
import { agentReady, createLocalWorkspace, pushLocalTemplate } from "./harness/workspace.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const scenario = existsSync(CHROMIUM) ? test : test.skip;

scenario(
  "a restart goes on without its page; a link asks before its command runs; a deleted workspace is read",
  async () => {
    await using fleet = await startFleet();
    await pushLocalTemplate(fleet);
    await createLocalWorkspace(fleet, "dev");
    const params = { user: "me", workspaceName: "dev" };
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
    try {
      const context = await browser.newContext({ viewport: { width: 1280, height: 500 } });
      context.setDefaultTimeout(30_000);
      await context.addCookies([{ name: "coder_session_token", value: fleet.token, url: fleet.url }]);

      const asking = await context.newPage();
      await asking.goto(`${fleet.url}/@owner/dev`);
      await asking.getByRole("button", { name: "Restart" }).click();
      await asking.getByRole("button", { name: "Restart workspace" }).click();
      await asking.getByRole("dialog").waitFor({ state: "detached" });
      await asking.close();
      await waitFor(
        async () => {
          const { latest_build } = await fleet.client.workspaceGetByName({ params });
          return latest_build.build_number === 3 && latest_build.status === "running";
        },
        { what: "the workspace to be started again", timeoutMs: 60_000 },
      );
      await agentReady(fleet, "dev");

      // Keys that builds pass to their templates are not user tokens.
      const page = await context.newPage();
      await page.goto(`${fleet.url}/settings/tokens`);
      await page.getByText("No tokens").waitFor();

      // The first invalid field has the focus and is not covered by the header.
      await page.goto(`${fleet.url}/templates/local/workspace`);
      await page.getByLabel("Name").fill("no good");
      const create = page.getByRole("button", { name: "Create workspace" });
      await create.scrollIntoViewIfNeeded();
      await create.click();
      await page.getByText("Use letters, digits and single hyphens.").waitFor();
      const [header, field] = await Promise.all([
        page.locator("header").first().boundingBox(),
        page.locator("input:focus").boundingBox(),
      ]);
      expect(field!.y).toBeGreaterThanOrEqual(header!.y + header!.height);

      await page.goto(`${fleet.url}/@owner/dev/terminal?command=${encodeURIComponent("echo ran; cat")}`);
      await page.getByRole("button", { name: "Run command" }).click();
      await page.locator(".xterm-rows > div", { hasText: /^ran\s*$/ }).waitFor();

      const { id } = await fleet.client.workspaceGetByName({ params });
      await page.goto(`${fleet.url}/@owner/dev`);
      await page.getByText("Connected", { exact: true }).waitFor();
      await fleet.client.workspaceBuildCreate({ params: { workspace: id }, body: { transition: "delete" } });
      await page.getByText("This workspace was deleted").waitFor();
      await page.reload();
      await page.getByText("This workspace was deleted").waitFor();
      await page.getByRole("link", { name: "Builds" }).click();
      await page.getByRole("link", { name: "Start" }).first().click();
      await page.getByRole("log", { name: "Build log" }).waitFor();
    } finally {
      await browser.close();
    }
  },
);

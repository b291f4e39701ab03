import { existsSync } from "node:fs";
import { createClient } from "@fleet/sdk";
import { createGithubStandIn, GITHUB_CLIENT } from "@fleet/testkit";
import { chromium } from "playwright-core";
import { type Fleet, startFleet } from "../harness/fleet.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const scenario = existsSync(CHROMIUM) ? test : test.skip;

// The peer is a stand-in that speaks GitHub's documented API: GitHub itself cannot be part of a test.
const SETTINGS = {
  CODER_OAUTH2_GITHUB_CLIENT_ID: GITHUB_CLIENT.id,
  CODER_OAUTH2_GITHUB_ALLOWED_ORGS: "acme",
  CODER_OAUTH2_GITHUB_ALLOWED_TEAMS: "acme/builders",
  CODER_OAUTH2_GITHUB_ALLOW_SIGNUPS: "true",
};

async function usernameOf(fleet: Fleet, cookies: { name: string; value: string }[]): Promise<string> {
  const token = cookies.find(({ name }) => name === "coder_session_token")?.value ?? "";
  return (await createClient({ baseUrl: fleet.url, token }).userGet({ params: { user: "me" } })).username;
}

scenario("a member of an allowed team signs in with GitHub, and nobody else", async () => {
  await using github = await createGithubStandIn();
  await using fleet = await startFleet({
    env: {
      ...SETTINGS,
      CODER_OAUTH2_GITHUB_CLIENT_SECRET: GITHUB_CLIENT.secret,
      CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL: github.url,
    },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const context = await browser.newContext();
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    github.account.teams = [];
    await page.goto(`${fleet.url}/templates`);
    await page.getByRole("link", { name: "Sign in with GitHub" }).click();
    await page.getByText("not in a GitHub organization or team").waitFor();
    github.account.teams = ["acme/builders"];
    await page.goto(`${fleet.url}/templates`);
    await page.getByRole("link", { name: "Sign in with GitHub" }).click();
    await page.waitForURL(`${fleet.url}/templates`);
    expect(await usernameOf(fleet, await context.cookies())).toBe("ana");
  } finally {
    await browser.close();
  }
});

scenario("a user signs in with a code that is entered on another device", async () => {
  await using github = await createGithubStandIn();
  await using fleet = await startFleet({
    env: {
      ...SETTINGS,
      CODER_OAUTH2_GITHUB_DEVICE_FLOW: "true",
      CODER_OAUTH2_GITHUB_ENTERPRISE_BASE_URL: github.url,
    },
  });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    const context = await browser.newContext();
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    await page.goto(`${fleet.url}/templates`);
    await page.getByRole("link", { name: "Sign in with GitHub" }).click();
    const code = await page.getByText(/^ABCD-\d{4}$/).textContent();
    github.permitDevice(code!);
    await page.waitForURL(`${fleet.url}/templates`);
    expect(await usernameOf(fleet, await context.cookies())).toBe("ana");
  } finally {
    await browser.close();
  }
});

import { type ChildProcess, fork } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@fleet/sdk";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { startFleet } from "../harness/fleet.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const scenario = existsSync(CHROMIUM) ? test : test.skip;

/** The next message of the provider's process. */
async function told(provider: ChildProcess): Promise<{ issuer?: string }> {
  const [message] = await once(provider, "message");
  return message as { issuer?: string };
}

/** Signs in on the provider's own pages. */
async function signInAs(page: Page, login: string): Promise<void> {
  await page.getByRole("link", { name: "Test provider" }).click();
  await page.locator('input[name="login"]').fill(login);
  await page.locator('input[name="password"]').fill("any");
  await page.locator('button[type="submit"]').click();
  await page.getByRole("button", { name: "Continue" }).click();
}

async function sessionOf(context: BrowserContext): Promise<string> {
  const cookies = await context.cookies();
  return cookies.find(({ name }) => name === "coder_session_token")?.value ?? "";
}

scenario("a user signs in with a certified provider, gets its groups, and signs out of both", async () => {
  const dir = await mkdtemp(join(tmpdir(), "oidc-e2e-"));
  const provider = fork(join(import.meta.dirname, "certified-provider.mjs"), {
    env: { ...process.env, NODE_OPTIONS: "" },
    stdio: "ignore",
  });
  const { issuer = "" } = await told(provider);
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const keyFile = join(dir, "client.pem");
  await writeFile(keyFile, privateKey.export({ type: "pkcs8", format: "pem" }));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--headless", "--no-sandbox"] });
  try {
    await using fleet = await startFleet({
      env: {
        CODER_OIDC_ISSUER_URL: issuer,
        CODER_OIDC_CLIENT_ID: "coder",
        CODER_OIDC_CLIENT_KEY_FILE: keyFile,
        CODER_OIDC_SIGN_IN_TEXT: "Test provider",
        CODER_OIDC_SIGN_OUT: "true",
        CODER_OIDC_GROUP_FIELD: "groups",
        CODER_OIDC_GROUP_AUTO_CREATE: "true",
      },
    });
    // The fleet started before its provider answers anything.
    const jwk = { ...publicKey.export({ format: "jwk" }), use: "sig", alg: "RS256" };
    provider.send({ fleetUrl: fleet.url, clientJwk: jwk });
    await told(provider);

    const context = await browser.newContext();
    context.setDefaultTimeout(30_000);
    const page = await context.newPage();
    await page.goto(`${fleet.url}/templates`);
    await signInAs(page, "ana");
    await page.waitForURL(`${fleet.url}/templates`);
    const ana = createClient({ baseUrl: fleet.url, token: await sessionOf(context) });
    expect(await ana.userGet({ params: { user: "me" } })).toMatchObject({
      username: "ana",
      name: "Ana B",
      email: "ana@example.com",
      login_type: "oidc",
    });
    const groups = await fleet.client.groupList({ query: {} });
    const builders = groups.find(({ name }) => name === "builders");
    expect(builders?.members.map(({ username }) => username)).toEqual(["ana"]);

    await page.getByRole("button", { name: /ana/i }).first().click();
    await page.getByRole("menuitem", { name: "Sign out" }).click();
    await page.getByRole("button", { name: /Yes/ }).click();
    await page.waitForURL(`${fleet.url}/login**`);
    await expect(ana.userGet({ params: { user: "me" } })).rejects.toMatchObject({ code: "unauthenticated" });

    // The provider asks again, and the address of the owner, which it has not verified, opens nothing.
    await signInAs(page, "mallory");
    await page.getByRole("heading", { name: "Sign-in failed" }).waitFor();
    await page.getByText("owner@example.com is not verified").waitFor();
    expect(await sessionOf(context)).toBe("");
    await page.getByRole("link", { name: "Back to the sign-in page" }).click();
    await page.getByRole("link", { name: "Test provider" }).waitFor();
  } finally {
    await browser.close();
    provider.disconnect();
    await rm(dir, { recursive: true, force: true });
  }
});

import { existsSync } from "node:fs";
import { chromium, type Page } from "playwright-core";
import { type CommandResult, type Fleet, startFleet } from "../harness/fleet.js";
import { type Gitea, hasGitea, startGitea } from "../harness/gitea.js";
import { reservedPort } from "../harness/port.js";
import { createLocalWorkspace, pushLocalTemplate } from "../harness/workspace.js";

const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";

/** Signs in to the deployment, and from its page to Gitea, where the user authorizes the app. */
async function signIn(page: Page, fleet: Fleet, gitea: Gitea): Promise<void> {
  await page.goto(`${fleet.url}/external-auth/gitea`);
  await page.getByLabel("Email").fill(fleet.email);
  await page.getByLabel("Password", { exact: true }).fill(fleet.password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("link", { name: "Sign in with Gitea" }).click();
  await page.locator("#user_name").fill(gitea.username);
  await page.locator("#password").fill(gitea.password);
  await page.locator("form button.primary").first().click();
  await page.locator("#authorize-app").click();
  await page.getByText("You are signed in as dev.").waitFor();
}

const scenario = existsSync(CHROMIUM) && hasGitea() ? test : test.skip;

scenario(
  "a developer signs in to Gitea once, and clones and pushes in a workspace without a password",
  async () => {
    await using gitea = await startGitea();
    const port = await reservedPort();
    const url = `http://127.0.0.1:${port}`;
    const { clientId, clientSecret } = await gitea.createApp(`${url}/external-auth/gitea/callback`);
    await using fleet = await startFleet({
      port,
      env: {
        CODER_EXTERNAL_AUTH_0_TYPE: "gitea",
        CODER_EXTERNAL_AUTH_0_CLIENT_ID: clientId,
        CODER_EXTERNAL_AUTH_0_CLIENT_SECRET: clientSecret,
        CODER_EXTERNAL_AUTH_0_AUTH_URL: `${gitea.url}/login/oauth/authorize`,
      },
    });
    await pushLocalTemplate(fleet);
    await succeeds(
      fleet.coder(["secret", "create", "license", "--env", "LICENSE_KEY", "--file", "~/.license"], {
        input: "hunter22",
      }),
    );
    await createLocalWorkspace(fleet, "dev");
    const inside = (command: string) => fleet.coder(["ssh", "dev", "--", command]);

    const before = await inside("coder external-auth access-token gitea");
    expect([before.code, before.stdout.trim()]).toEqual([1, `${url}/external-auth/gitea`]);

    await using browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    const page = await browser.newPage();
    await signIn(page, fleet, gitea);

    const identity = "-c user.name=dev -c user.email=dev@example.com";
    await succeeds(inside(`GIT_TERMINAL_PROMPT=0 git clone ${gitea.repository} app`));
    await succeeds(inside(`cd app && echo pushed > note && git add note && git ${identity} commit -qm note`));
    await succeeds(inside("cd app && GIT_TERMINAL_PROMPT=0 git push origin HEAD:main"));
    expect(await gitea.read("note")).toBe("pushed\n");

    const token = (await succeeds(inside("coder external-auth access-token gitea"))).stdout.trim();
    const asToken = await fetch(`${gitea.url}/api/v1/repos/dev/app`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    expect(asToken.status).toBe(200);

    // Secrets are in the environment of every process, and in their files.
    expect((await succeeds(inside('echo "$LICENSE_KEY $(cat ~/.license)"'))).stdout).toBe(
      "hunter22 hunter22\n",
    );
    expect(fleet.log()).not.toContain("hunter22");

    await page.getByRole("button", { name: "Sign out of Gitea" }).click();
    await page.getByRole("link", { name: "Sign in with Gitea" }).waitFor();
    expect((await inside("coder external-auth access-token gitea")).code).toBe(1);
  },
  600_000,
);

async function succeeds(running: Promise<CommandResult>): Promise<CommandResult> {
  const result = await running;
  if (result.code !== 0) throw new Error(`Exit status ${result.code}: ${result.stderr}${result.stdout}`);
  return result;
}

import { existsSync } from "node:fs";
import { waitFor } from "@fleet/testkit";
import { chromium } from "playwright-core";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { succeed, workspaceOf } from "./harness/workspace.js";

const TEMPLATE = `${import.meta.dirname}/templates/dynamic`;
const CHROMIUM = process.env.E2E_CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu"];

let fleet: Fleet;
beforeAll(async () => {
  fleet = await startFleet();
  await succeed(fleet, ["templates", "push", "dynamic", "--directory", TEMPLATE, "--yes"]);
});
afterAll(() => fleet[Symbol.asyncDispose]());

/** The values of the workspace's latest build, by parameter. */
async function valuesOf(name: string): Promise<Record<string, string>> {
  const { latest_build } = await workspaceOf(fleet, name);
  const values = await fleet.client.workspaceBuildParameters({ params: { build: latest_build.id } });
  return Object.fromEntries(values.map((each) => [each.name, each.value]));
}

// First, because a form starts with the values that its user chose last.
const scenario = existsSync(CHROMIUM) ? test : test.skip;

scenario("the dashboard evaluates a template's parameters as the form is filled in", async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(`${fleet.url}/templates/dynamic/workspace?name=dev`);
    await page.getByLabel("Email").fill(fleet.email);
    await page.getByLabel("Password").fill(fleet.password);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("radio", { name: "eu-west-1" }).waitFor();
    await page.getByRole("radio", { name: "Hetzner" }).click();
    await page.getByRole("radio", { name: "nbg1" }).click();
    await page.getByRole("checkbox").click();
    const model = page.getByLabel("model");
    await model.waitFor();
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.getByText("A value is required.").waitFor();
    await model.fill("a100");
    await page.getByRole("button", { name: "Create workspace" }).click();
    await page.waitForURL(/\/@owner\/dev$/);
    await waitFor(
      async () => {
        const { latest_build } = await workspaceOf(fleet, "dev");
        if (latest_build.status !== "running") throw new Error(latest_build.status);
        return latest_build;
      },
      { what: "the workspace", timeoutMs: 60_000 },
    );
    expect(await valuesOf("dev")).toEqual({
      cloud: "hetzner",
      region: "nbg1",
      gpu: "true",
      model: "a100",
    });
  } finally {
    await browser.close();
  }
});

test("the command line evaluates a template's parameters for the values given", async () => {
  const create = (name: string, ...values: string[]) => [
    ...["create", name, "--template", "dynamic", "--yes"],
    ...values.flatMap((pair) => ["--parameter", pair]),
  ];
  await succeed(fleet, create("german", "cloud=hetzner", "gpu=true", "model=a100"));
  expect(await valuesOf("german")).toEqual({
    cloud: "hetzner",
    region: "fsn1",
    gpu: "true",
    model: "a100",
  });
  const refused = async (...values: string[]) => (await fleet.coder(create("refused", ...values))).stderr;
  expect(await refused("cloud=hetzner", "region=us-east-1")).toMatch(/region.*fsn1/s);
  expect(await refused("gpu=true")).toContain("model is required");
  expect(await refused("model=a100")).toContain('"model" is not a parameter of the template.');
  await succeed(fleet, ["create", "copy", "--copy-parameters-from", "german", "--yes"]);
  expect(await valuesOf("copy")).toEqual(await valuesOf("german"));
});

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PROVIDER_ADDRESS, PROVIDER_VERSION } from "./host.js";
import { createTerraform, hasTerraform } from "./testing/terraform.js";

/** The variables that terraform sets for its plugins. */
const MAGIC_COOKIE = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

const mirror = mkdtempSync(join(tmpdir(), "mirror-"));
const build = join(import.meta.dirname, "../build.mjs");
beforeAll(() => execFileSync(process.execPath, [build, mirror]));
afterAll(() => rmSync(mirror, { recursive: true, force: true }));

const TEMPLATE = `
terraform {
  required_providers {
    coder = { source = "registry.terraform.io/coder/coder", version = ">= 2.18.0" }
  }
}
data "coder_workspace" "me" {}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "coder_app" "web" {
  agent_id = coder_agent.main.id
  slug     = "web"
  url      = "http://localhost:8080"
}
`;

const withTerraform = hasTerraform() ? test : test.skip;

withTerraform(
  "the executable is installed from a mirror, makes, keeps and destroys what a template says, and leaves nothing",
  async () => {
    await using terraform = await createTerraform();
    const scratch = mkdtempSync(join(tmpdir(), "scratch-"));
    await terraform.write("main.tf", TEMPLATE);
    await terraform.write(
      "rc",
      `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`,
    );
    const run = async (...args: string[]) => {
      const result = await terraform.run([...args, "-no-color"], {
        PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
        TMPDIR: scratch,
        TF_CLI_CONFIG_FILE: "rc",
        CODER_AGENT_URL: "https://coder.example.com",
        CODER_WORKSPACE_NAME: "ws",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the provider fills these in, not JavaScript.
        CODER_AGENT_SCRIPT_linux_amd64: "curl ${ACCESS_URL}bin/agent --auth ${AUTH_TYPE}",
      });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      return result.stdout;
    };
    expect(await run("init")).toMatch(new RegExp(`Installed \\S*coder/coder v${PROVIDER_VERSION}`));
    await run("apply", "-auto-approve");
    const { resources } = JSON.parse(await run("show", "-json")).values.root_module;
    const values = (address: string) =>
      resources.find((found: { address: string }) => found.address === address).values;
    expect(values("data.coder_workspace.me").name).toBe("ws");
    expect(values("coder_agent.main").init_script).toBe(
      "curl https://coder.example.com/bin/agent --auth token",
    );
    expect(values("coder_app.web").agent_id).toBe(values("coder_agent.main").id);
    expect(await run("plan")).toContain("No changes.");
    expect(await run("destroy", "-auto-approve")).toContain("2 destroyed");
    expect(readdirSync(scratch)).toEqual([]);
    rmSync(scratch, { recursive: true });
  },
  60_000,
);

test("explains itself when started by hand", () => {
  expect(() => execFileSync(process.execPath, [executable()], { stdio: "pipe" })).toThrow(
    "is a Terraform provider",
  );
});

test("a plugin exits when its terraform is killed", async () => {
  const scratch = mkdtempSync(join(tmpdir(), "scratch-"));
  const env = { PATH: process.env.PATH, TMPDIR: scratch, TF_PLUGIN_MAGIC_COOKIE: MAGIC_COOKIE };
  // Stands in for terraform: starts the plugin, which writes to our pipe, and waits.
  const launcher = `
    require("node:child_process").spawn(process.execPath, [${JSON.stringify(executable())}], { stdio: "inherit" });
  `;
  const parent = spawn(process.execPath, ["-e", launcher], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [handshake] = (await once(parent.stdout, "data")) as [Buffer];
  expect(handshake.toString()).toMatch(/^1\|5\|unix\|\/.*\|grpc\|\n$/);
  parent.kill("SIGKILL");
  parent.stdout.resume();
  await once(parent.stdout, "close"); // the pipe closes when its last holder, the plugin, is gone
  expect(readdirSync(scratch)).toEqual([]);
  rmSync(scratch, { recursive: true });
});

function executable(): string {
  return join(
    mirror,
    PROVIDER_ADDRESS,
    PROVIDER_VERSION,
    "linux_amd64",
    `terraform-provider-coder_v${PROVIDER_VERSION}`,
  );
}

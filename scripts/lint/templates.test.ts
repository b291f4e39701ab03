import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { linkMirror } from "@fleet/testkit";
import { parse } from "yaml";

const ROOT = resolve(import.meta.dirname, "../..");
const TEMPLATES = join(ROOT, "templates");
const NAMES = readdirSync(TEMPLATES).sort();
const MIRROR = process.env.CODER_TEST_PROVIDER_MIRROR ?? "/tmp/mirror";
const ENGINE = process.env.CODER_TEST_ENGINE ?? "terraform";
const HAS_TERRAFORM = spawnSync(ENGINE, ["version"]).status === 0;

/** `test`, or a skipped one with the reason printed if terraform or a provider is not available. */
function testWith(...providers: string[]) {
  const missing = providers.filter((name) => !existsSync(join(MIRROR, "registry.terraform.io", name)));
  if (HAS_TERRAFORM && missing.length === 0) return test;
  const reason = HAS_TERRAFORM
    ? `${MIRROR} (CODER_TEST_PROVIDER_MIRROR) has no ${missing.join(" and no ")}`
    : "there is no terraform on PATH";
  process.stderr.write(
    `Starter templates with ${providers.join(", ") || "terraform"} are not tested: ${reason}.\n`,
  );
  return test.skip;
}

/** A copy of a template, in which files can be replaced, with terraform restricted to the mirror. */
function createModule(template: string, replace: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), `template-${template}-`));
  cpSync(join(TEMPLATES, template), dir, { recursive: true });
  linkMirror(MIRROR, join(dir, ".mirror"));
  for (const [name, text] of Object.entries(replace)) writeFileSync(join(dir, name), text);
  writeFileSync(
    join(dir, "mirror.tfrc"),
    `provider_installation {\n  filesystem_mirror {\n    path = ${JSON.stringify(join(dir, ".mirror"))}\n  }\n}\n`,
  );
  const terraform = (args: string[], env: Record<string, string> = {}) =>
    execFileSync(ENGINE, args, {
      cwd: dir,
      stdio: "pipe",
      encoding: "utf8",
      env: {
        PATH: process.env.PATH,
        HOME: dir,
        TF_CLI_CONFIG_FILE: join(dir, "mirror.tfrc"),
        CHECKPOINT_DISABLE: "1",
        ...env,
      },
    });
  return {
    init: () => terraform(["init", "-no-color", "-input=false"]),
    validate: () =>
      JSON.parse(terraform(["validate", "-json"])) as { valid: boolean; diagnostics: unknown[] },
    /** Addresses of the resources that a workspace build with this transition would create. */
    plan(transition: "start" | "stop", variables: Record<string, string> = {}) {
      const vars = Object.entries(variables).flatMap(([name, value]) => ["-var", `${name}=${value}`]);
      terraform(["plan", "-no-color", "-input=false", "-out=plan", ...vars], {
        CODER_WORKSPACE_TRANSITION: transition,
        CODER_WORKSPACE_NAME: "Demo",
        CODER_WORKSPACE_OWNER: "ana",
      });
      const { planned_values } = JSON.parse(terraform(["show", "-json", "plan"])) as {
        planned_values: {
          root_module: { resources: { address: string; values: Record<string, unknown> }[] };
        };
      };
      return new Map(planned_values.root_module.resources.map(({ address, values }) => [address, values]));
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

test.each(NAMES)("the template %s has front matter for the gallery", (name) => {
  const text = readFileSync(join(TEMPLATES, name, "README.md"), "utf8");
  const [, frontMatter = ""] = /^---\n([\s\S]*?)\n---\n/.exec(text) ?? [];
  expect(parse(frontMatter)).toEqual({
    display_name: expect.stringMatching(/^.{1,64}$/),
    description: expect.stringMatching(/^.{1,128}$/),
    icon: expect.stringMatching(/^\/icon\/[\w-]+\.svg$/),
    tags: expect.arrayContaining([expect.any(String)]),
  });
});

testWith()("every template is formatted as terraform does it", () => {
  const { stdout, status } = spawnSync(ENGINE, ["fmt", "-check", "-recursive", TEMPLATES], {
    encoding: "utf8",
    env: { PATH: process.env.PATH },
  });
  expect({ stdout, status }).toEqual({ stdout: "", status: 0 });
});

testWith("coder/coder", "kreuzwerker/docker")(
  "docker: a container from start to stop, a volume that stays",
  () => {
    const withoutEngine = 'provider "docker" {\n  disable_docker_daemon_check = true\n}\n';
    using module = createModule("docker", { "test_override.tf": withoutEngine });
    module.init();
    expect(module.validate()).toMatchObject({ valid: true, diagnostics: [] });

    const started = module.plan("start", { max_memory_gib: "2" });
    expect(started.get("docker_container.workspace[0]")).toMatchObject({
      name: "coder-ana-demo",
      memory: 2048,
      cpus: "2",
      volumes: [expect.objectContaining({ container_path: "/home/vscode" })],
    });
    expect(started.has("docker_volume.home")).toBe(true);
    const stopped = module.plan("stop");
    expect(stopped.has("docker_container.workspace[0]")).toBe(false);
    expect(stopped.has("docker_volume.home")).toBe(true);
    expect(() => module.plan("start", { home_dir: "home" })).toThrow("absolute path");
  },
);

testWith("coder/coder", "gavinbunney/kubectl")(
  "kubernetes: a pod from start to stop, a volume claim that stays",
  () => {
    const objects = readFileSync(join(import.meta.dirname, "fixtures/kubernetes-objects.tf"), "utf8");
    using module = createModule("kubernetes", { "objects.tf": objects });
    module.init();
    expect(module.validate()).toMatchObject({ valid: true, diagnostics: [] });

    const started = module.plan("start", { namespace: "workspaces" });
    expect([...started.keys()]).toEqual(
      expect.arrayContaining(["kubectl_manifest.home", "kubectl_manifest.workspace[0]"]),
    );
    const stopped = module.plan("stop", { namespace: "workspaces" });
    expect(stopped.has("kubectl_manifest.workspace[0]")).toBe(false);
    expect(stopped.has("kubectl_manifest.home")).toBe(true);
  },
);

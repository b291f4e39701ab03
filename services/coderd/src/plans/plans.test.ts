import type { EchoTemplate } from "@fleet/provisionersdk";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  startProvisioner,
} from "../testing/work.js";

const home = { name: "home", type: "docker_volume", address: "docker_volume.home", dailyCost: 1 };
const pod = { name: "pod", type: "docker_container", address: "docker_container.pod[0]", dailyCost: 4 };
/** Keeps its volume while it is stopped. */
const KEEPS_HOME: EchoTemplate = { resources: [home, pod], stopResources: [home] };

const managed = { mode: "managed", provider: "registry.terraform.io/kreuzwerker/docker" };
const replaced = (address: string, type: string, path = '["driver"]') => ({
  ...managed,
  address,
  type,
  actions: ["delete", "create"],
  replacePaths: [path],
});
/** Replaces the volume and the container, as the next version. */
const REPLACES_HOME: EchoTemplate = {
  ...KEEPS_HOME,
  resources: [home, { ...pod, dailyCost: 6 }],
  changes: [
    replaced("docker_container.pod[0]", "docker_container", '["env",0]'),
    replaced("docker_volume.home", "docker_volume"),
    { ...managed, address: "docker_image.main", type: "docker_image", actions: ["create"] },
    { ...managed, address: "docker_network.net", type: "docker_network", actions: ["no-op"] },
    replaced("coder_metadata.home", "coder_metadata"),
    { ...managed, mode: "data", address: "data.docker_image.base", type: "docker_image", actions: ["read"] },
  ],
};

async function setUp(): Promise<
  AsyncDisposable & {
    server: TestCoderd;
    owner: TestUser;
    provisioner: Awaited<ReturnType<typeof startProvisioner>>;
  }
> {
  const server = await createTestCoderd();
  const owner = await server.owner();
  const provisioner = await startProvisioner(server);
  provisioner.serve();
  return {
    server,
    owner,
    provisioner,
    async [Symbol.asyncDispose]() {
      await provisioner[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A version of the template that `echo` describes. */
async function nextVersion(owner: TestUser, template: { id: string }, echo: EchoTemplate) {
  return imported(owner, await createVersion(owner, echo, { template_id: template.id }));
}

/** Waits until the plan has ended. */
function planned({ client }: TestUser, { id, workspace_id }: { id: string; workspace_id: string }) {
  return waitFor(
    async () => {
      const plan = await client.workspacePlanGet({ params: { workspace: workspace_id, plan: id } });
      return plan.job.completed_at ? plan : undefined;
    },
    { what: "the plan to end" },
  );
}

test("a plan says what a build would change, what loses data and what it costs, and builds nothing", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  const workspace = await createWorkspace(owner, template);
  const before = await built(owner, workspace);
  const version = await nextVersion(owner, template, REPLACES_HOME);
  const plan = await owner.client.workspacePlanCreate({
    params: { workspace: workspace.id },
    body: { transition: "start", template_version_id: version.id },
  });
  expect(plan).toMatchObject({
    refresh: true,
    template_version_id: version.id,
    job: { type: "workspace_plan" },
  });
  const { job, result } = await planned(owner, plan);
  expect(job).toMatchObject({ status: "succeeded" });
  expect(result).toMatchObject({ add: 1, change: 0, replace: 2, destroy: 0, drift: [], truncated: false });
  expect(result).toMatchObject({ daily_cost_before: 5, daily_cost: 7 });
  expect(result!.changes).toEqual([
    {
      address: "docker_volume.home",
      type: "docker_volume",
      action: "replace",
      reasons: ["driver"],
      loses_data: true,
    },
    {
      address: "docker_container.pod[0]",
      type: "docker_container",
      action: "replace",
      reasons: ["env[0]"],
      loses_data: false,
    },
    { address: "docker_image.main", type: "docker_image", action: "add", reasons: [], loses_data: false },
  ]);
  const { latest_build } = await owner.client.workspaceGet({ params: { workspace: workspace.id } });
  expect(latest_build.id).toBe(before.id);
});

test("a plan that fails or is canceled has no result, and is refused while a build runs", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  const workspace = await createWorkspace(owner, template);
  const params = { workspace: workspace.id };
  await built(owner, workspace);
  const failing = await nextVersion(owner, template, {
    ...KEEPS_HOME,
    plan: { only: "delete", error: "No such disk." },
  });
  const failed = await planned(
    owner,
    await owner.client.workspacePlanCreate({
      params,
      body: { transition: "delete", template_version_id: failing.id },
    }),
  );
  expect(failed).toMatchObject({ job: { status: "failed", error: "No such disk." } });
  expect(failed.result).toBeUndefined();
  const absent = owner.client.workspacePlanGet({ params: { ...params, plan: workspace.id } });
  await expect(absent).rejects.toMatchObject({ code: "not_found" });
  const invalid = owner.client.workspacePlanGet({ params: { ...params, plan: "first" } });
  await expect(invalid).rejects.toMatchObject({ code: "invalid_argument" });

  const endless = await owner.client.workspacePlanCreate({ params, body: { transition: "start" } });
  await owner.client.workspacePlanCancel({ params: { ...params, plan: endless.id } });
  const ended = await planned(owner, endless);
  expect(["canceled", "succeeded"]).toContain(ended.job.status);

  fleet.provisioner.die();
  await owner.client.workspaceBuildCreate({ params, body: { transition: "stop" } });
  const refused = owner.client.workspacePlanCreate({ params, body: { transition: "start" } });
  await expect(refused).rejects.toMatchObject({ code: "conflict" });
});

test("with the policy `ask`, a build that would lose data fails before it applies, unless that is accepted", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  const workspace = await createWorkspace(owner, template);
  const params = { workspace: workspace.id };
  await built(owner, workspace);
  const { id } = await nextVersion(owner, template, REPLACES_HOME);
  const body = { transition: "start" as const, template_version_id: id };
  await owner.client.templateUpdate({ params: { template: template.id }, body: { data_loss_policy: "ask" } });

  await owner.client.workspaceBuildCreate({ params, body });
  const failed = await built(owner, workspace);
  expect(failed.job).toMatchObject({ status: "failed" });
  expect(failed.job.error).toContain(
    "This build would lose data: docker_volume.home would be replaced (driver changes). Nothing was changed.",
  );
  expect(failed.resources).toEqual([]);

  // Once a plan has shown it, the request itself is refused, with the list.
  await planned(owner, await owner.client.workspacePlanCreate({ params, body }));
  await expect(owner.client.workspaceBuildCreate({ params, body })).rejects.toMatchObject({
    code: "conflict",
    validations: [
      { field: "accept_data_loss", detail: "docker_volume.home would be replaced (driver changes)" },
    ],
  });

  await owner.client.workspaceBuildCreate({ params, body: { ...body, accept_data_loss: true } });
  expect((await built(owner, workspace)).job.status).toBe("succeeded");
});

test("the policy `deny` lets only template administrators accept data loss, and `off` lets every build run", async () => {
  await using fleet = await setUp();
  const { server, owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  const ana = await server.user(owner, { username: "ana" });
  const workspace = await createWorkspace(ana, template);
  const params = { workspace: workspace.id };
  await built(ana, workspace);
  const { id } = await nextVersion(owner, template, REPLACES_HOME);
  const body = { transition: "start" as const, template_version_id: id };
  const policy = (data_loss_policy: "off" | "deny") =>
    owner.client.templateUpdate({ params: { template: template.id }, body: { data_loss_policy } });

  expect((await policy("deny")).data_loss_policy).toBe("deny");
  const accepted = { ...body, accept_data_loss: true };
  await expect(ana.client.workspaceBuildCreate({ params, body: accepted })).rejects.toMatchObject({
    code: "permission_denied",
  });
  await ana.client.workspaceBuildCreate({ params, body });
  expect((await built(ana, workspace)).job.error).toContain("Only a template administrator can accept this");
  await owner.client.workspaceBuildCreate({ params, body: accepted });
  expect((await built(ana, workspace)).job.status).toBe("succeeded");

  await policy("off");
  await ana.client.workspaceBuildCreate({ params, body });
  expect((await built(ana, workspace)).job.status).toBe("succeeded");
});

test("a restart carries the acceptance to its start", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const { id } = await nextVersion(owner, template, REPLACES_HOME);
  await owner.client.templateUpdate({ params: { template: template.id }, body: { data_loss_policy: "ask" } });
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "start", template_version_id: id, restart: true, accept_data_loss: true },
  });
  const started = await waitFor(
    async () => {
      const build = await built(owner, workspace);
      return build.transition === "start" && build.template_version_id === id ? build : undefined;
    },
    { what: "the start of the restart" },
  );
  expect(started.job.status).toBe("succeeded");
});

test("a version is planned for the workspaces of its template, worst first, those that no longer fit included", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const template = await createTemplate(owner, KEEPS_HOME);
  for (const name of ["a", "b", "c"]) await built(owner, await createWorkspace(owner, template, { name }));
  const params = { version: (await nextVersion(owner, template, REPLACES_HOME)).id };
  const done = (version: string) =>
    waitFor(
      async () => {
        const plans = await owner.client.templateVersionPlansGet({ params: { version } });
        return plans.running ? undefined : plans;
      },
      { what: "the plans to end" },
    );
  const started = await owner.client.templateVersionPlansCreate({ params, body: { limit: 2 } });
  expect(started).toMatchObject({ total: 3 });
  expect(await done(params.version)).toMatchObject({
    counts: { loses_data: 2, failed: 0, unchanged: 0 },
    workspaces: [
      { outcome: "loses_data", addresses: ["docker_volume.home"], workspace_owner_name: owner.username },
      { outcome: "loses_data" },
    ],
  });

  // More workspaces than are planned at a time, with a version that changes nothing.
  for (const name of ["d", "e", "f"]) await built(owner, await createWorkspace(owner, template, { name }));
  const same = await nextVersion(owner, template, KEEPS_HOME);
  await owner.client.templateVersionPlansCreate({ params: { version: same.id }, body: {} });
  expect((await done(same.id)).counts).toMatchObject({ unchanged: 6, failed: 0 });

  const needs = await nextVersion(owner, template, {
    ...KEEPS_HOME,
    parameters: [{ name: "region", type: "string", required: true }],
  });
  await owner.client.templateVersionPlansCreate({ params: { version: needs.id }, body: {} });
  const unfit = await done(needs.id);
  expect(unfit.counts).toMatchObject({ failed: 6, loses_data: 0 });
  expect(unfit.workspaces[0]!.error).toContain("region");

  await owner.client.templateVersionPlansCancel({ params });
  expect(await done(params.version)).toMatchObject({ workspaces: [] });
});

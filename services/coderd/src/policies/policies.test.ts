import type { EchoTemplate } from "@fleet/provisionersdk";
import { type CreatePolicyRequest, createClient } from "@fleet/sdk";
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

const aws = { mode: "managed", provider: "registry.terraform.io/hashicorp/aws" };
/** Its start makes a load balancer that anybody can reach; what is secret or unknown is not sent. */
const PUBLIC: EchoTemplate = {
  resources: [{ name: "lb", type: "aws_lb", address: "aws_lb.main", dailyCost: 7 }],
  changes: [
    {
      ...aws,
      address: "aws_lb.main",
      type: "aws_lb",
      actions: ["create"],
      after: JSON.stringify({ internal: false, tags: { team: "a" } }),
      unknownPaths: ['["arn"]'],
      sensitivePaths: ['["password"]'],
    },
  ],
  stopChanges: [{ ...aws, address: "aws_ebs_volume.home", type: "aws_ebs_volume", actions: ["delete"] }],
};

const NO_PUBLIC: CreatePolicyRequest = {
  name: "no-public-lb",
  mode: "deny",
  expression: "plan.changes.exists(c, c.type == 'aws_lb' && c.after.internal == false)",
  message: "Load balancers must be internal.",
  message_expression:
    "plan.changes.filter(c, c.type == 'aws_lb').map(c, c.address).join(', ') + ' must be internal.'",
};

type Fleet = AsyncDisposable & {
  server: TestCoderd;
  owner: TestUser;
  provisioner: Awaited<ReturnType<typeof startProvisioner>>;
};

async function setUp(): Promise<Fleet> {
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

const organization = "default";

async function start(
  user: TestUser,
  workspace: { id: string },
  transition: "start" | "stop" | "delete" = "start",
) {
  await user.client.workspaceBuildCreate({ params: { workspace: workspace.id }, body: { transition } });
  return built(user, workspace);
}

function resultsOf({ client }: TestUser, build: { id: string }) {
  return client.workspaceBuildPolicies({ params: { build: build.id } });
}

async function logOf({ client }: TestUser, build: { id: string }) {
  const lines = await client.workspaceBuildLogs({ params: { build: build.id } });
  return lines.map(({ log_level, output }) => `${log_level}: ${output}`);
}

test("a build that a policy denies fails with its message before it changes anything, and can be built again", async () => {
  await using fleet = await setUp();
  const { server, owner } = fleet;
  const ana = await server.user(owner, { username: "ana" });
  const template = await createTemplate(owner, PUBLIC);
  const policy = await owner.client.policyCreate({ body: NO_PUBLIC });
  expect(policy).toMatchObject({ scope: "deployment", version: 1, transitions: ["start"] });

  const workspace = await createWorkspace(ana, template);
  const denied = await built(ana, workspace);
  expect(denied.job).toMatchObject({
    status: "failed",
    error: 'This build was denied. Policy "no-public-lb": aws_lb.main must be internal. Nothing was changed.',
  });
  expect(denied.resources).toEqual([]);
  expect(await resultsOf(ana, denied)).toEqual([
    {
      policy_id: policy.id,
      policy_name: "no-public-lb",
      policy_version: 1,
      scope: "deployment",
      mode: "deny",
      outcome: "violated",
      message: "aws_lb.main must be internal.",
    },
  ]);

  // As a warning it lets the build run, and is told in its log.
  await owner.client.policyUpdate({ params: { policy: policy.id }, body: { mode: "warn" } });
  const warned = await start(ana, workspace);
  expect(warned.job.status).toBe("succeeded");
  expect(warned.resources).toHaveLength(1);
  expect(await logOf(ana, warned)).toContain(
    'warn: Warning: Policy "no-public-lb": aws_lb.main must be internal.',
  );
  expect(await resultsOf(ana, warned)).toMatchObject([
    { policy_version: 2, mode: "warn", outcome: "violated" },
  ]);

  // Dry, it is recorded and nobody is told.
  await owner.client.policyUpdate({ params: { policy: policy.id }, body: { mode: "dry" } });
  const dry = await start(ana, workspace);
  expect(dry.job.status).toBe("succeeded");
  expect((await logOf(ana, dry)).join()).not.toContain("Policy");
  expect(await resultsOf(ana, dry)).toMatchObject([{ policy_version: 3, mode: "dry", outcome: "violated" }]);

  // What judged earlier builds stays, also after the policy is deleted.
  await owner.client.policyDelete({ params: { policy: policy.id } });
  expect(await resultsOf(ana, denied)).toMatchObject([{ policy_version: 1, mode: "deny" }]);
  expect(await resultsOf(ana, await start(ana, workspace))).toEqual([]);
});

test("policies judge the transitions that they name, in their scope alone", async () => {
  await using fleet = await setUp();
  const { owner } = fleet;
  const [judged, other] = [
    await createTemplate(owner, PUBLIC, "judged"),
    await createTemplate(owner, PUBLIC, "other"),
  ];
  const rule = { mode: "deny", expression: "plan.destroy > 0", message: "Volumes stay." } as const;
  await owner.client.policyCreateForTemplate({
    params: { template: judged.id },
    body: { ...rule, name: "keep", transitions: ["stop", "delete"] },
  });
  await owner.client.policyCreateInOrganization({
    params: { organization },
    body: {
      ...rule,
      name: "never",
      expression: "owner.name == 'nobody'",
      mode: "warn",
      transitions: ["stop"],
    },
  });

  const [a, b] = [
    await createWorkspace(owner, judged, { name: "a" }),
    await createWorkspace(owner, other, { name: "b" }),
  ];
  const first = await built(owner, a);
  expect(first.job.status).toBe("succeeded");
  expect(await resultsOf(owner, first)).toEqual([]);
  await built(owner, b);
  const stopped = await start(owner, a, "stop");
  expect(stopped.job.error).toBe('This build was denied. Policy "keep": Volumes stay. Nothing was changed.');
  expect(await resultsOf(owner, stopped)).toMatchObject([
    { policy_name: "never", scope: "organization", outcome: "passed", message: "" },
    { policy_name: "keep", scope: "template", outcome: "violated" },
  ]);
  expect((await start(owner, a, "delete")).job.status).toBe("failed");
  expect((await owner.client.workspaceGet({ params: { workspace: a.id } })).latest_build.status).toBe(
    "failed",
  );

  const untouched = await start(owner, b, "stop");
  expect(untouched.job.status).toBe("succeeded");
  expect(await resultsOf(owner, untouched)).toMatchObject([{ policy_name: "never" }]);
  const lists = [
    await owner.client.policyList(),
    await owner.client.policyListByOrganization({ params: { organization } }),
    await owner.client.policyListByTemplate({ params: { template: judged.id } }),
    await owner.client.policyListByTemplate({ params: { template: other.id } }),
  ];
  expect(lists.map((list) => list.map(({ name }) => name))).toEqual([
    ["never", "keep"],
    ["never", "keep"],
    ["never", "keep"],
    ["never"],
  ]);
});

describe("what cannot be judged is denied by a policy that denies, and warned of by one that warns", () => {
  const unknown = { name: "arn", expression: "plan.changes.exists(c, c.after.arn == 'x')", message: "No." };
  const secret = {
    name: "secret",
    expression: "plan.changes.exists(c, c.after.password != '')",
    message: "No.",
  };

  test("an expression that fails, such as on a value that is unknown or sensitive", async () => {
    await using fleet = await setUp();
    const { owner } = fleet;
    const template = await createTemplate(owner, PUBLIC);
    const { id } = await owner.client.policyCreate({ body: { ...unknown, mode: "deny" } });
    await owner.client.policyCreate({ body: { ...secret, mode: "warn" } });
    const workspace = await createWorkspace(owner, template);
    const denied = await built(owner, workspace);
    expect(denied.job.error).toBe(
      'This build was denied. Policy "arn" could not be evaluated: There is no field or key "arn". Nothing was changed.',
    );
    await owner.client.policyDelete({ params: { policy: id } });
    const warned = await start(owner, workspace);
    expect(warned.job.status).toBe("succeeded");
    expect(await logOf(owner, warned)).toContain(
      'warn: Warning: Policy "secret" could not be evaluated: There is no field or key "password".',
    );
  });

  test("a plan beyond its limits, unless the policy does not look at it", async () => {
    await using fleet = await setUp();
    const { owner } = fleet;
    const template = await createTemplate(owner, { ...PUBLIC, truncated: true });
    await owner.client.policyCreate({ body: { ...NO_PUBLIC, expression: "size(plan.changes) > 100" } });
    await owner.client.policyCreate({
      body: { name: "cost", mode: "deny", expression: "cost.after > 100", message: "Too expensive." },
    });
    const denied = await built(owner, await createWorkspace(owner, template));
    expect(denied.job.error).toBe(
      'This build was denied. Policy "no-public-lb" could not be evaluated: The plan is too large to be judged. Nothing was changed.',
    );
    expect(await resultsOf(owner, denied)).toMatchObject([
      { policy_name: "cost", outcome: "passed" },
      { policy_name: "no-public-lb", outcome: "error" },
    ]);
  });
});

test("the policies of the moment of the decision count, on whichever replica, and a decision can be asked for again", async () => {
  await using fleet = await setUp();
  const { server, owner, provisioner } = fleet;
  const template = await createTemplate(owner, PUBLIC);
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  provisioner.die();
  await using daemon = await startProvisioner(server);
  const body = { transition: "start" as const };
  await owner.client.workspaceBuildCreate({ params: { workspace: workspace.id }, body });
  const job = await daemon.acquire();
  if (job?.type.case !== "workspaceBuild") throw new Error("not a build");
  // Nothing judges it when it is handed out, so its daemon does not plan by itself.
  expect(job.type.value.wantsPlan).toBe(false);

  // A policy is added on another replica meanwhile.
  const second = await server.replica();
  const elsewhere = createClient({ baseUrl: second.httpUrl, token: owner.token });
  const policy = await elsewhere.policyCreate({ body: NO_PUBLIC });
  const ask = (plan?: object) =>
    daemon.client.commitQuota({ jobId: job.id, daemonId: daemon.id, ...(plan && { plan }) });
  await expect(ask()).rejects.toMatchObject({
    message: expect.stringContaining(
      "The provisioner did not send its plan. Try again if the policy has just been added",
    ),
  });

  // Changed between plan and decision: the version of the decision counts.
  const changes = { changes: PUBLIC.changes! };
  await expect(ask(changes)).rejects.toMatchObject({
    message: expect.stringContaining("This build was denied."),
  });
  await elsewhere.policyUpdate({ params: { policy: policy.id }, body: { mode: "warn" } });
  const answer = { ok: true, warnings: ['Policy "no-public-lb": aws_lb.main must be internal.'] };
  expect(await ask(changes)).toMatchObject(answer);
  // Its coderd dies before the answer arrives: another one is asked, and gives the same.
  expect(await ask(changes)).toMatchObject(answer);
  const { latest_build } = await owner.client.workspaceGet({ params: { workspace: workspace.id } });
  expect(await resultsOf(owner, latest_build)).toMatchObject([{ policy_version: 2, outcome: "violated" }]);
  expect(await resultsOf(owner, latest_build)).toHaveLength(1);

  // A daemon that no longer has the job can neither pass nor change what is recorded.
  await owner.client.policyUpdate({ params: { policy: policy.id }, body: { mode: "deny" } });
  await expect(
    daemon.client.commitQuota({ jobId: job.id, daemonId: workspace.id, plan: changes }),
  ).rejects.toBeDefined();
  expect(await resultsOf(owner, latest_build)).toMatchObject([{ policy_version: 2 }]);
});

test("a build is only planned by itself if a policy judges its transition", async () => {
  await using fleet = await setUp();
  const { server, owner, provisioner } = fleet;
  const template = await createTemplate(owner, PUBLIC);
  const other = await createTemplate(owner, PUBLIC, "other");
  await owner.client.policyCreateForTemplate({ params: { template: template.id }, body: NO_PUBLIC });
  const [judged, free] = [
    await createWorkspace(owner, template, { name: "judged" }),
    await createWorkspace(owner, other, { name: "free" }),
  ];
  await built(owner, judged);
  await built(owner, free);
  provisioner.die();
  await using daemon = await startProvisioner(server, { slots: 3 });
  const wanted: Record<string, boolean> = {};
  for (const [name, { id }, transition] of [
    ["judged start", judged, "start"],
    ["free start", free, "start"],
  ] as const) {
    await owner.client.workspaceBuildCreate({ params: { workspace: id }, body: { transition } });
    const job = await daemon.acquire();
    if (job?.type.case === "workspaceBuild") wanted[name] = job.type.value.wantsPlan;
  }
  expect(wanted).toEqual({ "judged start": true, "free start": false });
});

test("every change is a version with its author, and an audit entry", async () => {
  await using fleet = await setUp();
  const { server, owner } = fleet;
  const admin = await server.user(owner, { username: "eve", roles: ["owner"] });
  const policy = await owner.client.policyCreate({ body: NO_PUBLIC });
  const params = { policy: policy.id };
  const changed = await admin.client.policyUpdate({ params, body: { message: "Internal ones only." } });
  expect(changed).toMatchObject({
    version: 2,
    author: { username: "eve" },
    expression: NO_PUBLIC.expression,
  });
  // The same again is no version.
  expect(await admin.client.policyUpdate({ params, body: { message: "Internal ones only." } })).toMatchObject(
    {
      version: 2,
    },
  );
  // Two edits at once become two versions.
  await Promise.all([
    owner.client.policyUpdate({ params, body: { mode: "warn" } }),
    admin.client.policyUpdate({ params, body: { transitions: ["start", "stop"] } }),
  ]);
  const versions = await owner.client.policyVersionList({ params });
  expect(versions.map(({ version }) => version)).toEqual([4, 3, 2, 1]);
  expect(versions[0]).toMatchObject({
    mode: "warn",
    transitions: ["start", "stop"],
    message: "Internal ones only.",
  });
  expect(versions[3]).toMatchObject({ mode: "deny", author: { username: "owner" } });
  await owner.client.policyDelete({ params });
  await expect(owner.client.policyGet({ params })).rejects.toMatchObject({ code: "not_found" });
  const { audit_logs } = await owner.client.auditList({ query: { q: "resource_type:policy" } });
  const actions = audit_logs.map(({ action }) => action).sort();
  expect(actions).toEqual(["create", "delete", "write", "write", "write", "write"]);
  expect(audit_logs.find(({ action }) => action === "delete")).toMatchObject({
    resource_target: "no-public-lb",
  });
});

test("a policy that is not valid is refused with its place, and so is a second one of the same name", async () => {
  await using fleet = await setUp();
  const { server, owner } = fleet;
  const create = (body: Partial<CreatePolicyRequest>) =>
    owner.client.policyCreate({ body: { ...NO_PUBLIC, ...body } });
  await expect(create({ expression: "plan.changes.exists(c,\n  c.colour == 'red')" })).rejects.toMatchObject({
    code: "invalid_argument",
    message: 'The expression is invalid at line 2, column 5: There is no field or key "colour".',
    detail: "  c.colour == 'red')\n    ^",
    validations: [{ field: "expression" }],
  });
  await expect(create({ message_expression: "1" })).rejects.toMatchObject({
    validations: [{ field: "message_expression" }],
  });
  await expect(create({ name: "no public" })).rejects.toMatchObject({ validations: [{ field: "name" }] });
  await expect(create({ transitions: [] })).rejects.toMatchObject({
    validations: [{ field: "transitions" }],
  });
  await expect(create({ message: "  " })).rejects.toMatchObject({ validations: [{ field: "message" }] });
  const { id } = await create({});
  await expect(create({ name: "No-Public-LB" })).rejects.toMatchObject({ code: "conflict" });
  await expect(
    owner.client.policyUpdate({ params: { policy: id }, body: { expression: "cost" } }),
  ).rejects.toMatchObject({ code: "invalid_argument" });
  for (const policy of ["first", "\0", "a".repeat(200)]) {
    await expect(owner.client.policyGet({ params: { policy } })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  }
  // The name is free in another scope, and once the policy is deleted.
  await owner.client.policyCreateInOrganization({ params: { organization }, body: NO_PUBLIC });
  await owner.client.policyDelete({ params: { policy: id } });
  await create({});

  const ana = await server.user(owner, { username: "ana" });
  await expect(ana.client.policyCreate({ body: NO_PUBLIC })).rejects.toMatchObject({ code: "not_found" });
  expect(await ana.client.policyList()).toEqual([]);
});

test("previews and dry runs are judged, and a policy can be tried on recent plans", async () => {
  await using fleet = await setUp();
  const { server, owner } = fleet;
  const template = await createTemplate(owner, PUBLIC);
  const workspace = await createWorkspace(owner, template);
  await built(owner, workspace);
  const preview = async () => {
    const params = { workspace: workspace.id };
    const { id } = await owner.client.workspacePlanCreate({ params, body: { transition: "start" } });
    return waitFor(
      async () => {
        const plan = await owner.client.workspacePlanGet({ params: { ...params, plan: id } });
        return plan.job.completed_at ? plan : undefined;
      },
      { what: "the plan to end" },
    );
  };
  // Before there is any policy, a preview is what one can be tried on.
  expect((await preview()).policies).toEqual([]);
  const { mode: _, name: __, ...rule } = NO_PUBLIC;
  expect(await owner.client.policyTest({ body: rule })).toMatchObject([
    {
      transition: "start",
      workspace_name: workspace.name,
      workspace_owner_name: "owner",
      outcome: "violated",
      message: "aws_lb.main must be internal.",
    },
  ]);
  expect(
    await owner.client.policyTest({ body: { ...rule, expression: "cost.after == 7 && cost.before == 7" } }),
  ).toMatchObject([{ outcome: "violated" }]);
  expect(await owner.client.policyTest({ body: { ...rule, transitions: ["stop"] } })).toEqual([]);
  const ana = await server.user(owner, { username: "ana" });
  await expect(ana.client.policyTest({ body: rule })).rejects.toMatchObject({ code: "not_found" });

  await owner.client.policyCreate({ body: NO_PUBLIC });
  expect(await preview()).toMatchObject({
    job: { status: "succeeded" },
    policies: [{ policy_name: "no-public-lb", mode: "deny", outcome: "violated" }],
  });

  const version = await imported(owner, await createVersion(owner, PUBLIC, { template_id: template.id }));
  const { id: job } = await owner.client.dryRunCreate({
    params: { version: version.id },
    body: { workspace_name: "try" },
  });
  const params = { version: version.id, job };
  await waitFor(async () => (await owner.client.dryRunGet({ params })).completed_at, {
    what: "the dry run to end",
  });
  expect(await owner.client.dryRunPolicies({ params })).toMatchObject([
    { policy_name: "no-public-lb", outcome: "violated", message: "aws_lb.main must be internal." },
  ]);
});

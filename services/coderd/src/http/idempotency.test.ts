import { randomUUID } from "node:crypto";
import { echoTemplate, TAR_MIMETYPE } from "@fleet/provisionersdk";
import { createClient, IDEMPOTENCY_KEY_HEADER } from "@fleet/sdk";
import { createTestCoderd } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";

const keyed = (key: string) => ({ headers: { [IDEMPOTENCY_KEY_HEADER]: key } });

async function start() {
  const server = await createTestCoderd();
  const owner = await server.owner();
  const daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  return {
    server,
    owner,
    template,
    async [Symbol.asyncDispose]() {
      await daemon[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

test("a repeated build request, sequential or concurrent at any replica, creates one build", async () => {
  await using fleet = await start();
  const { server, owner } = fleet;
  const other = createClient({ baseUrl: (await server.replica()).httpUrl, token: owner.token });
  const workspace = await createWorkspace(owner, fleet.template);
  await built(owner, workspace);
  const key = keyed(randomUUID());
  const call = { params: { workspace: workspace.id }, body: { transition: "stop" as const }, ...key };

  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      (index % 2 ? owner.client : other).workspaceBuildCreate({ ...call }),
    ),
  );
  expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
  await built(owner, workspace);
  await owner.client.workspaceBuildCreate({
    params: { workspace: workspace.id },
    body: { transition: "start" },
  });
  await built(owner, workspace);
  // The response stays the same long after the build ended, and after another build.
  const late = await other.workspaceBuildCreate(call);
  expect(late).toMatchObject({ id: answers[0]!.id, build_number: 2, transition: "stop", status: "stopped" });
  const builds = await owner.client.workspaceBuildList({ params: { workspace: workspace.id } });
  expect(builds.map(({ transition }) => transition)).toEqual(["start", "stop", "start"]);
  const audited = await owner.client.auditList({ query: { q: "resource_type:workspace_build action:stop" } });
  expect(audited.count).toBe(1);
});

test("repeated requests create one workspace, one version and one dry run", async () => {
  await using fleet = await start();
  const { owner, template } = fleet;
  const { client } = owner;
  const twice = <T>(make: () => Promise<T>) => Promise.all([make(), make(), make()]);

  const create = {
    params: { user: "me" },
    body: { template_id: template.id, name: "dev" },
    ...keyed("w-1"),
  };
  const workspaces = await twice(() => client.workspaceCreate(create));
  expect(new Set(workspaces.map(({ id, latest_build }) => `${id} ${latest_build.id}`)).size).toBe(1);
  const first = await built(owner, workspaces[0]!);
  await client.workspaceBuildCreate({
    params: { workspace: workspaces[0]!.id },
    body: { transition: "delete" },
  });
  await built(owner, workspaces[0]!);
  const late = await client.workspaceCreate(create);
  expect(late).toMatchObject({ id: workspaces[0]!.id, latest_build: { id: first.id, transition: "start" } });
  expect((await client.workspaceList()).count).toBe(0);

  const version = await imported(owner, await createVersion(owner));
  const { hash: file } = await client.fileUpload({
    body: new Uint8Array(await echoTemplate(ONE_AGENT)),
    contentType: TAR_MIMETYPE,
  });
  const importing = {
    params: { organization: "default" },
    body: {
      storage_method: "file" as const,
      file_id: file,
      provisioner: "echo" as const,
      template_id: template.id,
      name: "v2",
    },
    ...keyed("v-1"),
  };
  const versions = await twice(() => client.templateVersionCreate(importing));
  expect(new Set(versions.map(({ id }) => id)).size).toBe(1);

  const dryRuns = await twice(() =>
    client.dryRunCreate({
      params: { version: version.id },
      body: { workspace_name: "try" },
      ...keyed("d-1"),
    }),
  );
  expect(new Set(dryRuns.map(({ id }) => id)).size).toBe(1);
});

test("an idempotency key belongs to its user and to one request", async () => {
  await using fleet = await start();
  const { server, owner, template } = fleet;
  const ana = await server.user(owner, { username: "ana" });
  const create = (user: typeof owner, name: string, key?: string, params = { user: "me" }) =>
    user.client.workspaceCreate({
      params,
      body: { template_id: template.id, name },
      ...(key ? keyed(key) : {}),
    });

  const own = await create(owner, "dev", "k");
  expect((await create(ana, "dev", "k")).id).not.toBe(own.id);
  await expect(create(owner, "other", "k")).rejects.toMatchObject({
    code: "unprocessable",
    message: expect.stringContaining("a different request"),
  });
  const status = await fetch(`${server.coderd.httpUrl}/api/v2/users/${owner.id}/workspaces`, {
    method: "POST",
    headers: {
      ...keyed("k").headers,
      "Coder-Session-Token": owner.token,
      "Content-Type": "application/json",
    },
    body: JSON.stringify({ template_id: template.id, name: "dev" }),
  });
  expect(status.status).toBe(422);
  await expect(create(owner, "x", "no spaces")).rejects.toMatchObject({ code: "invalid_argument" });
  // Without a key, each request is independent.
  await expect(create(owner, "dev")).rejects.toMatchObject({ code: "conflict" });
  // A refused request stores nothing: the key stays unused.
  await expect(create(owner, "dev", "k2")).rejects.toMatchObject({ code: "conflict" });
  expect((await create(owner, "dev2", "k2")).name).toBe("dev2");
});

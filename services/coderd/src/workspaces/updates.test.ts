import type { Update, UpdatesRequest } from "@fleet/sdk";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestUser } from "../testing/coderd.js";
import { createTemplate, createWorkspace, startProvisioner } from "../testing/work.js";

/** A page's stream: what it has been told so far. */
function watch(user: TestUser) {
  const abort = new AbortController();
  const exchange = user.client.updatesWatch({ query: { heartbeat: true }, signal: abort.signal });
  const told: Update[] = [];
  const over = (async () => {
    for await (const update of exchange) told.push(update);
  })().catch(() => {});
  return {
    told,
    follow: (...workspaces: UpdatesRequest["workspaces"]) => exchange.send({ workspaces }),
    async [Symbol.asyncDispose]() {
      abort.abort();
      await over;
    },
  };
}

test("one stream tells of followed workspaces, of new ones and of the inbox, and of nothing else", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const followed = await createWorkspace(owner, template);
  const other = await createWorkspace(owner, template, { name: "other" });
  await using page = watch(owner);
  await waitFor(() => page.told.some(({ type }) => type === "ping"), { what: "a heartbeat" });
  page.follow(followed.id);

  // Either the change is published after the stream follows the workspace, or it is repeated.
  let hours = 1;
  await waitFor(
    async () => {
      hours = (hours % 20) + 1;
      for (const { id } of [other, followed])
        await owner.client.workspaceTtlUpdate({
          params: { workspace: id },
          body: { ttl_ms: hours * 3_600_000 },
        });
      return page.told.some(({ workspace }) => workspace?.id === followed.id && workspace.ttl_ms);
    },
    { what: "the change of the followed workspace", timeoutMs: 30_000 },
  );
  await createWorkspace(owner, template, { name: "third" });
  await owner.client.notificationTest();
  await waitFor(
    () => ["workspaces", "notification"].every((wanted) => page.told.some(({ type }) => type === wanted)),
    { what: "the new workspace and the notification" },
  );
  expect(page.told.filter(({ workspace }) => workspace && workspace.id !== followed.id)).toEqual([]);
}, 60_000);

test("a workspace that the user may not read is gone, and nothing of it is told", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const workspace = await createWorkspace(owner, await createTemplate(owner));
  const member = await server.user(owner);
  await using page = watch(member);
  await waitFor(() => page.told.some(({ type }) => type === "ping"), { what: "a heartbeat" });
  page.follow(workspace.id);
  // Something is published about it, or the regular look finds out.
  await waitFor(
    async () => {
      const ttl_ms = 3_600_000 * (1 + (page.told.length % 5));
      await owner.client.workspaceTtlUpdate({ params: { workspace: workspace.id }, body: { ttl_ms } });
      return page.told.some(({ type, id }) => type === "gone" && id === workspace.id);
    },
    { what: "the workspace to be gone", timeoutMs: 40_000 },
  );
  expect(page.told.filter(({ workspace }) => workspace)).toEqual([]);
}, 60_000);

test("workspaces are listed in the order that the request asks for", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  for (const name of ["bee", "ant", "cow"]) await createWorkspace(owner, template, { name });
  const names = async (query: { sort?: "name" | "-name" | "created_at" | "-last_used_at" | "status" }) =>
    (await owner.client.workspaceList({ query })).workspaces.map(({ name }) => name);
  expect(await names({ sort: "name" })).toEqual(["ant", "bee", "cow"]);
  expect(await names({ sort: "-name" })).toEqual(["cow", "bee", "ant"]);
  expect(await names({ sort: "created_at" })).toEqual(["bee", "ant", "cow"]);
  expect((await names({ sort: "status" })).toSorted()).toEqual(["ant", "bee", "cow"]);
  expect((await names({ sort: "-last_used_at" })).toSorted()).toEqual(["ant", "bee", "cow"]);
  await expect(names({ sort: "color" as "name" })).rejects.toMatchObject({ code: "invalid_argument" });
}, 60_000);

import { nullLogger, systemClock } from "@fleet/base";
import type { EchoTemplate } from "@fleet/provisionersdk";
import { waitFor } from "@fleet/testkit";
import { createTestCoderd, type TestCoderd, type TestUser } from "../testing/coderd.js";
import {
  built,
  createTemplate,
  createVersion,
  createWorkspace,
  imported,
  ONE_AGENT,
  startProvisioner,
} from "../testing/work.js";
import { runLifecycle } from "../workspaces/lifecycle.js";

const HOUR_MS = 3_600_000;
const FAILS: EchoTemplate = { ...ONE_AGENT, apply: { error: "The disk is full." } };

/** The titles in the user's inbox once everything has been sent, sorted: what is sent at the same time has no order. */
async function told(owner: TestUser, user: TestUser): Promise<string[]> {
  await waitFor(async () => (await owner.client.deliveryList({ query: { state: "pending" } })).count === 0, {
    what: "everything to be sent",
  });
  const { notifications } = await user.client.inboxList();
  return notifications.map(({ title }) => title).sort();
}

function later({ coderd: { domain } }: TestCoderd, ms: number) {
  const { lifecycleStore: store, builds, audit, notifier } = domain;
  const clock = { now: () => new Date(Date.now() + ms) } as never;
  return runLifecycle({ store, builds, audit, notifier, clock, logger: nullLogger });
}

test("administrators are told of accounts, except who did it, and users of their own", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const admin = await server.user(owner, { username: "admin", roles: ["user-admin"] });
  const auditor = await server.user(owner, { username: "auditor", roles: ["auditor"] });
  const ana = await server.user(admin, { username: "ana" });
  const params = { user: ana.id };
  await admin.client.userSuspend({ params });
  await admin.client.userSuspend({ params });
  await owner.client.userActivate({ params });
  const again = await server.anonymous.login({ body: { email: "ana@example.com", password: ana.password } });
  expect(await told(owner, { ...ana, client: server.clientOf(again.session_token) })).toEqual([
    "Your account has been activated",
    "Your account has been suspended",
  ]);
  await owner.client.userDelete({ params });
  expect(await told(owner, admin)).toEqual([
    'User account "ana" activated',
    'User account "ana" deleted',
    'User account "auditor" created',
  ]);
  expect(await told(owner, owner)).toEqual(['User account "ana" created', 'User account "ana" suspended']);
  expect(await told(owner, auditor)).toEqual([]);
  const { notifications } = await owner.client.inboxList();
  expect(notifications[0]).toMatchObject({ content: expect.stringContaining("by admin"), targets: [ana.id] });
});

test("owners are told what others and the platform do to their workspaces", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const templates = await server.user(owner, { username: "templates", roles: ["template-admin"] });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  const workspace = await owner.client.workspaceCreate({
    params: { user: ana.id },
    body: { template_id: template.id, name: "dev" },
  });
  await built(owner, workspace);
  const second = await imported(owner, await createVersion(owner, ONE_AGENT, { template_id: template.id }));
  const build = async (user: TestUser, transition: "start" | "delete", version?: string) => {
    await user.client.workspaceBuildCreate({
      params: { workspace: workspace.id },
      body: { transition, ...(version ? { template_version_id: version } : {}) },
    });
    return built(owner, workspace);
  };
  await build(owner, "start", second.id);
  // What ana does herself is not told to her, nor a start that changes nothing.
  await build(ana, "start");
  await owner.client.workspaceDormancyUpdate({
    params: { workspace: workspace.id },
    body: { dormant: true },
  });
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { time_til_dormant_autodelete_ms: 48 * HOUR_MS },
  });
  await owner.client.templateUpdate({
    params: { template: template.id },
    body: { deprecation_message: "Use the other one." },
  });
  await build(owner, "delete");
  expect(await told(owner, ana)).toEqual([
    'Template "echo" deprecated',
    'Workspace "dev" created',
    'Workspace "dev" deleted',
    'Workspace "dev" marked as dormant',
    'Workspace "dev" marked for deletion',
    'Workspace "dev" updated',
  ]);
  await owner.client.templateDelete({ params: { template: template.id } });
  expect(await told(owner, templates)).toEqual(['Template "echo" deleted']);
  expect((await owner.client.inboxList({ query: { targets: [workspace.id] } })).notifications).toEqual([]);
});

test("a failed build is told to whom it concerns, a canceled one to nobody, and a week's failures to template admins", async () => {
  let skippedMs = 0;
  await using server = await createTestCoderd({
    clock: { ...systemClock, now: () => new Date(systemClock.now().getTime() + skippedMs) },
    env: { CODER_SESSION_DURATION: "1000h" },
  });
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const templates = await server.user(owner, { username: "templates", roles: ["template-admin"] });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  // The first report is due a week after this.
  const { buildEvents } = server.coderd.domain;
  await buildEvents.summarize();
  const template = await createTemplate(owner, FAILS, "broken");
  const workspace = await createWorkspace(ana, template);
  expect((await built(ana, workspace)).job.status).toBe("failed");
  expect(await told(owner, ana)).toEqual([]);
  expect(await told(owner, templates)).toEqual(['Build of workspace "dev" failed']);

  // Stopped automatically some time after the failure; that fails, too.
  await owner.client.templateUpdate({ params: { template: template.id }, body: { failure_ttl_ms: HOUR_MS } });
  expect(await later(server, 2 * HOUR_MS)).toHaveLength(1);
  await built(ana, workspace);
  expect(await told(owner, ana)).toEqual(['Automatic build of workspace "dev" failed']);
  const { notifications } = await ana.client.inboxList();
  expect(notifications[0]!.actions[0]!.url).toMatch(/\/@ana\/dev\/builds\/2$/);

  skippedMs = 7 * 24 * HOUR_MS - 120_000;
  await buildEvents.summarize();
  expect(await told(owner, templates)).toHaveLength(1);
  skippedMs += 120_000;
  await Promise.all([buildEvents.summarize(), buildEvents.summarize()]);
  expect(await told(owner, templates)).toContain("Failed workspace builds report");
  const inbox = (await templates.client.inboxList()).notifications;
  expect(inbox).toHaveLength(2);
  const report = inbox.find(({ title }) => title.startsWith("Failed"))!;
  expect(report.content).toContain("broken: 2 of 2 builds failed\n  ana/dev, build 2");
});

test("templates, preferences, methods and the pause are as upstream's API has them", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  const ana = await server.user(owner, { username: "ana" });
  const system = await ana.client.notificationTemplatesSystem();
  const test = system.find(({ name }) => name === "Test Notification")!;
  expect(test).toMatchObject({ kind: "system", method: "", enabled_by_default: true });
  expect(new Set(system.map(({ id }) => id)).size).toBe(system.length);
  expect(JSON.parse(test.actions)).toEqual([{ label: "Open the dashboard", url: "/" }]);
  expect((await ana.client.notificationTemplatesCustom()).map(({ kind }) => kind)).toEqual(["custom"]);
  expect(await ana.client.notificationMethods()).toEqual({ available: ["inbox"], default: "smtp" });

  const params = { user: "me" };
  expect(await owner.client.notificationPreferences({ params })).toEqual([]);
  const change = (disabled: boolean) =>
    owner.client.notificationPreferencesUpdate({
      params,
      body: { template_disabled_map: { [test.id]: disabled } },
    });
  expect(await change(true)).toMatchObject([{ id: test.id, disabled: true }]);
  await owner.client.notificationTest();
  expect(await told(owner, owner)).toEqual([]);
  await change(false);
  await owner.client.notificationSettingsUpdate({ body: { notifier_paused: true } });
  expect(await ana.client.notificationSettings()).toEqual({ notifier_paused: true });
  await owner.client.notificationTest();
  await owner.client.notificationCustom({
    body: { content: { title: "Lunch", message: "At *noon*\nsharp" } },
  });
  expect((await owner.client.deliveryList({ query: { state: "pending" } })).count).toBe(2);
  await owner.client.notificationSettingsUpdate({ body: { notifier_paused: false } });
  await waitFor(async () => (await owner.client.inboxList()).unread_count === 2, {
    what: "what waited",
    timeoutMs: 20_000,
  });
  const { notifications } = await owner.client.inboxList();
  expect(notifications.find(({ title }) => title === "Lunch")!.content).toBe("At *noon*\nsharp");

  const id = { notificationTemplate: test.id };
  await owner.client.notificationTemplateMethodUpdate({ params: id, body: { method: "inbox" } });
  const changed = await ana.client.notificationTemplatesSystem();
  expect(changed.find(({ id }) => id === test.id)!.method).toBe("inbox");
  await expect(
    owner.client.notificationTemplateMethodUpdate({ params: id, body: { method: "webhook" } }),
  ).rejects.toMatchObject({ validations: [{ field: "method" }] });
  await expect(
    owner.client.notificationPreferencesUpdate({
      params,
      body: { template_disabled_map: { "00000000-0000-0000-0000-000000000000": true } },
    }),
  ).rejects.toMatchObject({ validations: [{ field: "template_disabled_map" }] });
  await owner.client.userDelete({ params: { user: ana.id } });
  await expect(owner.client.notificationPreferences({ params: { user: ana.id } })).rejects.toMatchObject({
    code: "not_found",
  });
});

import { nullLogger } from "@fleet/base";
import { AppHealth } from "@fleet/proto-gen/agent";
import { createFakeClock, waitFor } from "@fleet/testkit";
import { LOST_AFTER_MS } from "../agents/status.js";
import { reapJobs } from "../provisionerjobs/reap.js";
import { createAgentWorkspace, createTestAgent } from "../testing/agents.js";
import { createTestCoderd } from "../testing/coderd.js";
import { passTime } from "../testing/time.js";
import { built, createTemplate, createVersion, createWorkspace, startProvisioner } from "../testing/work.js";

/** How long the values read for a scrape are reused. */
const SCRAPE_CACHE_MS = 15_000;

test("metrics of workspaces, builds, agents, users and daemons have upstream's names", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await server.user(owner, { username: "ana" });
  await using daemon = await startProvisioner(server);
  daemon.serve();
  const template = await createTemplate(owner);
  await built(owner, await createWorkspace(owner, template));

  const text = await waitFor(
    async () => {
      const scraped = await server.scrape();
      return scraped.includes("coderd_workspace_builds_total{") ? scraped : undefined;
    },
    { what: "the build to be counted" },
  );
  const { name: version } = await owner.client.templateVersionGet({
    params: { version: template.active_version_id },
  });
  const lines = text.split("\n");
  const expected = [
    'coderd_api_workspace_latest_build{status="succeeded"} 1',
    `coderd_workspace_latest_build_status{status="succeeded",template_name="echo",template_version="${version}",workspace_owner="owner",workspace_transition="start"} 1`,
    `coderd_workspace_builds_total{workspace_name="dev",owner_email="owner@example.com",template_name="echo",template_version="${version}",action="START",status="success"} 1`,
    `coderd_agents_up{template_name="echo",template_version="${version}",username="owner",workspace_name="dev"} 1`,
    'coderd_agents_connections{agent_name="main",username="owner",workspace_name="dev",status="connecting",lifecycle_state="created",tailnet_node=""} 1',
    'coderd_api_total_user_count{status="active"} 2',
    "coderd_api_active_users_duration_hour 1",
    "coderd_provisionerd_num_daemons 1",
    'coderd_provisionerd_job_timings_seconds_count{provisioner="echo",status="success"} 2',
    'coderd_db_pool_connections{state="max"} 5',
  ];
  expect(expected.filter((line) => !lines.includes(line))).toEqual([]);
  expect(text).not.toContain("coderd_agentstats_");
});

test("scrapes within seconds do not query the database again", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  expect(await server.scrape()).toContain('coderd_api_total_user_count{status="active"} 1\n');
  await server.user(owner, { username: "ana" });
  expect(await server.scrape()).toContain('coderd_api_total_user_count{status="active"} 1\n');
});

test("the number of jobs that each kind of provisioner can take is exported", async () => {
  await using server = await createTestCoderd();
  const owner = await server.owner();
  await using _plain = await startProvisioner(server);
  await using _tagged = await startProvisioner(server, { tags: { region: "eu" } });
  await createVersion(owner);
  await createVersion(owner);
  await createVersion(owner, undefined, { tags: { region: "eu" } });
  await createVersion(owner, undefined, { tags: { region: "us" } });
  const wanted = (await server.scrape())
    .split("\n")
    .filter((line) => line.startsWith("coderd_provisioner_jobs_wanted{"));
  expect(wanted.toSorted()).toEqual([
    'coderd_provisioner_jobs_wanted{organization="coder",tags="owner=,region=eu,scope=organization"} 1',
    'coderd_provisioner_jobs_wanted{organization="coder",tags="owner=,scope=organization"} 2',
  ]);
});

test("after a kill the gauges match the API", async () => {
  const clock = createFakeClock(new Date());
  await using server = await createTestCoderd({ clock });
  const owner = await server.owner();
  const app = { slug: "web", displayName: "Web", url: "http://localhost:8080" };
  const healthcheck = { url: "http://localhost:8080/healthz", intervalSeconds: 1, threshold: 2 };
  const { token, agentId, workspace } = await (async () => {
    await using daemon = await startProvisioner(server);
    daemon.serve();
    return await createAgentWorkspace(owner, owner, { apps: [{ ...app, healthcheck }] });
  })();
  using agent = await createTestAgent(server, token);
  await agent.connect();
  const params = { agent: agentId };
  const [shown] = (await owner.client.agentGet({ params })).apps;
  await agent.client.batchUpdateAppHealths({ updates: [{ appId: shown!.id, health: AppHealth.HEALTHY }] });

  // The agent is killed and stops reporting.
  await passTime(server, LOST_AFTER_MS + 1_000, clock.advance);
  const lost = await owner.client.agentGet({ params });
  expect(lost).toMatchObject({ status: "disconnected", apps: [{ health: "unhealthy" }] });
  const killed = await server.scrape();
  expect(killed).toMatch(new RegExp(`coderd_agents_connections\\{[^}]*status="${lost.status}"[^}]*\\} 1\n`));
  expect(killed).toMatch(
    new RegExp(`coderd_agents_apps\\{[^}]*health="${lost.apps[0]!.health}"[^}]*\\} 1\n`),
  );

  // So is the daemon that stops the workspace.
  await using doomed = await startProvisioner(server);
  const body = { transition: "stop" } as const;
  const build = await owner.client.workspaceBuildCreate({ params: { workspace: workspace.id }, body });
  await doomed.claim(build.job.id);
  doomed.die();
  const { jobStore, kinds, onEnd } = server.coderd.domain;
  const later = { ...clock, now: () => new Date(clock.now().getTime() + 61_000) };
  const pubsub = { publish() {} } as never;
  await reapJobs({
    store: jobStore,
    kinds,
    pubsub,
    clock: later,
    logger: nullLogger,
    lostAfterMs: 60_000,
    onEnd: onEnd,
  });
  const { status } = await built(owner, workspace);
  await passTime(server, SCRAPE_CACHE_MS, clock.advance);
  const counted = await waitFor(
    async () => {
      const text = await server.scrape();
      return text.includes('action="STOP",status="failed"} 1') ? text : undefined;
    },
    { what: "the build that was lost to be counted" },
  );
  expect(counted).toContain(`coderd_api_workspace_latest_build{status="${status}"} 1\n`);
  expect(counted).not.toContain('coderd_provisionerd_jobs_current{provisioner="echo"}');
});

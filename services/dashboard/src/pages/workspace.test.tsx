/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, screen, waitFor, within } from "@testing-library/react";
import { alerts, press } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { agent, build, job, TIME, uuid, workspace } from "../testing/samples.js";

const page = (changes: Parameters<typeof workspace>[0] = {}) =>
  openPage("/@ana/dev", { workspaceGetByName: workspace(changes) });

test("an agent that has not connected yet is not an error, and no restart is suggested", async () => {
  using _ = page({ latest_build: build({}, [agent({ status: "connecting" })]) });
  await screen.findByText(/Waiting for the agent to connect/);
  expect(alerts()).toEqual([]);
  expect(document.body.textContent).not.toMatch(/unhealthy|restart the workspace/i);
});

test("an agent's problem is shown as one notice", async () => {
  using _ = page({
    health: { healthy: false, failing_agents: [uuid(20)] },
    latest_build: build({}, [agent({ status: "timeout" })]),
  });
  await screen.findByText("Agent did not connect");
  expect(alerts()).toHaveLength(1);
  expect(screen.getAllByText("Unhealthy")).toHaveLength(1);
  expect(document.body.textContent).not.toMatch(/The resources are up/);
});

test("a failed startup names its script and exit code", async () => {
  const timing = {
    started_at: "2026-03-02T09:00:00Z",
    ended_at: "2026-03-02T09:00:01Z",
    stage: "start",
    workspace_agent_id: uuid(20),
    workspace_agent_name: "main",
  };
  using _ = openPage("/@ana/dev", {
    workspaceGetByName: workspace({
      health: { healthy: false, failing_agents: [uuid(20)] },
      latest_build: build({}, [agent({ lifecycle_state: "start_error" })]),
    }),
    workspaceBuildTimings: {
      provisioner_timings: [],
      agent_connection_timings: [],
      agent_script_timings: [
        { ...timing, exit_code: 0, status: "ok", display_name: "Install tools" },
        { ...timing, exit_code: 3, status: "exit_failure", display_name: "Clone repository" },
      ],
    },
  });
  await screen.findByText("Clone repository");
  const [notice] = alerts();
  expect(notice).toContain("Clone repository failed with exit code 3.");
  expect(notice).not.toContain("Install tools");
});

test("a failed build is reported once, with a retry button", async () => {
  using _ = page({
    latest_build: build(
      { status: "failed", job: job({ status: "failed", error: "The quota is used up." }) },
      [],
    ),
  });
  await screen.findByText("The quota is used up.");
  expect(alerts()).toHaveLength(1);
  screen.getByRole("button", { name: "Retry" });
  expect(screen.queryByRole("button", { name: "Start" })).toBeNull();
});

test("a restart is one request, after which the page can be closed", async () => {
  using deployment = page();
  deployment.answer({
    workspaceBuildCreate: build({ transition: "stop", status: "stopping", job: job({ status: "running" }) }),
  });
  await press("Restart");
  await press("Restart workspace");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    { reason: "dashboard", transition: "start", restart: true },
  ]);
});

test("an update of a running workspace is one request, too", async () => {
  using deployment = openPage("/@ana/dev", {
    workspaceGetByName: workspace({ outdated: true, template_active_version_id: uuid(32) }),
    templateVersionGet: {
      id: uuid(32),
      name: "v2",
      message: "",
      readme: "",
      created_at: "2026-03-02T09:00:00Z",
      updated_at: "2026-03-02T09:00:00Z",
      archived: false,
      created_by: { id: uuid(1), username: "ana" },
      organization_id: uuid(2),
      job: job(),
    } as never,
    templateVersionRichParameters: [],
    workspaceBuildParameters: [],
    workspaceBuildCreate: build({ transition: "stop", status: "stopping" }),
  });
  await press("Update");
  await press("Update and restart");
  expect(deployment.writes.map(({ body }) => body)).toEqual([
    {
      reason: "dashboard",
      transition: "start",
      restart: true,
      template_version_id: uuid(32),
      rich_parameter_values: [],
    },
  ]);
});

test("the start that follows the stop is announced, or why it was dropped", async () => {
  const next = { transition: "start", template_version_id: uuid(31), template_version_name: "v1" } as const;
  using deployment = page({
    latest_build: build(
      {
        transition: "stop",
        status: "stopping",
        job: job({ status: "running" }),
        next_build: { ...next, status: "waiting" },
      },
      [],
    ),
  });
  await screen.findByText(/starts again automatically/);
  const watch = deployment.streams.find(({ url }) => url.includes("/updates"));
  await act(async () =>
    watch!.send({
      type: "workspace",
      workspace: workspace({
        latest_build: build(
          {
            transition: "stop",
            status: "stopped",
            next_build: { ...next, status: "dropped", error: "The version was archived." },
          },
          [],
        ),
      }),
    }),
  );
  await screen.findByText("The version was archived.");
});

test("a deleted workspace keeps its page, also after a reload", async () => {
  using _ = openPage("/@ana/dev", {
    workspaceGetByName: ({ query }) =>
      query.get("include_deleted") === "true"
        ? workspace({ latest_build: build({ transition: "delete", status: "deleted" }, []) })
        : new ApiError(404, "Workspace not found."),
  });
  await screen.findByText("Deleted");
  within(screen.getByRole("navigation", { name: "Workspace" })).getByRole("link", { name: "Builds" });
});

test("a build without an eligible provisioner says what to do, without redundant tags", async () => {
  using _ = page({
    latest_build: build(
      {
        status: "pending",
        job: job({ status: "pending", completed_at: undefined, started_at: undefined }),
        matched_provisioners: { count: 1, available: 0 },
      },
      [],
    ),
  });
  await screen.findByText("No provisioner is available");
  expect(document.body.textContent).not.toMatch(/owner=|scope=/);
  await screen.findByText("The log starts when a provisioner takes the job.");
});

test("of several agents only one in trouble is unfolded, and each can be", async () => {
  const agents = [
    agent({ id: uuid(201), name: "one" }),
    agent({ id: uuid(202), name: "two", status: "timeout" }),
  ];
  using _ = page({ latest_build: build({}, agents) });
  const folded = await screen.findByRole("button", { name: "Show one" });
  expect(folded.getAttribute("aria-expanded")).toBe("false");
  screen.getByRole("button", { name: "Hide two" });
  expect(screen.getAllByRole("button", { name: "Agent logs" })).toHaveLength(1);
  await press("Show one");
  expect(screen.getAllByRole("button", { name: "Agent logs" })).toHaveLength(2);
});

test("the page says its state in a sentence, shows where the start took its time, and the tab's icon tells it", async () => {
  const icon = document.head.appendChild(document.createElement("link"));
  icon.rel = "icon";
  using _ = page({ latest_build: build({}, [agent({ started_at: TIME, ready_at: TIME })]) });
  await screen.findByText(/^Running for .*, started by ana\. Runs until it is stopped\.$/);
  const timeline = screen.getByRole("list", { name: "Timeline of the start" });
  expect(
    within(timeline)
      .getByRole("link", { name: /^Queue/ })
      .getAttribute("href"),
  ).toBe("/@ana/dev/builds/1");
  expect(
    within(timeline)
      .getByRole("link", { name: /^Scripts/ })
      .getAttribute("href"),
  ).toContain("#agent-logs");
  await waitFor(() => expect(icon.href).toContain("/state/running.svg"));
  icon.remove();
});

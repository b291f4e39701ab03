/** @jest-environment ./services/dashboard/src/testing/browser.mjs */
import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { alerts, choose, press, pressLast } from "../testing/act.js";
import { ApiError } from "../testing/deployment.js";
import { openPage } from "../testing/page.js";
import { agent, build, uuid, workspace } from "../testing/samples.js";

const listOf = (one: ReturnType<typeof workspace>) => ({
  workspaceList: { workspaces: [one], count: 1 },
});

test("a running workspace can be opened; stopping it asks for confirmation", async () => {
  using deployment = openPage("/workspaces", listOf(workspace()));
  await screen.findByRole("link", { name: "dev" });
  screen.getByText("Running");
  screen.getByRole("button", { name: "Open dev" });
  expect(screen.queryByRole("button", { name: "Stop" })).toBeNull();
  await choose("More actions for dev", "Stop…");
  await screen.findByRole("dialog", { name: "Stop dev?" });
  expect(deployment.writes).toEqual([]);
  deployment.answer({ workspaceBuildCreate: build({ transition: "stop", status: "stopping" }) });
  await press("Stop workspace");
  expect(deployment.writes.map(({ body }) => body)).toEqual([{ reason: "dashboard", transition: "stop" }]);
});

test("a workspace whose agent has not connected yet is connecting, not unhealthy", async () => {
  const coming = workspace({ latest_build: build({}, [agent({ status: "connecting" })]) });
  using _ = openPage("/workspaces", listOf(coming));
  await screen.findByText("Connecting");
  expect(screen.queryByText("Unhealthy")).toBeNull();
  expect(screen.queryByRole("button", { name: "Open dev" })).toBeNull();
});

const many = (count: number) =>
  Array.from({ length: count }, (_, index) =>
    workspace({
      id: uuid(1_000 + index),
      name: `w${index}`,
      latest_build: build({ id: uuid(5_000 + index), workspace_id: uuid(1_000 + index) }),
    }),
  );

test("the list says what has changed without asking for it, and follows what it shows", async () => {
  using deployment = openPage("/workspaces", listOf(workspace()));
  await screen.findByText("Running");
  const updates = deployment.streams.find(({ url }) => url.includes("/updates"))!;
  await waitFor(() => expect(updates.received.at(-1)).toEqual({ workspaces: [uuid(40)] }));
  const stopped = workspace({ latest_build: build({ transition: "stop", status: "stopped" }, []) });
  await act(async () => updates.send({ type: "workspace", workspace: stopped }));
  await screen.findByText("Stopped");
  screen.getByRole("button", { name: "Start" });
});

test("a long list loads the part in view, and is sorted by the server", async () => {
  const all = many(10_000);
  const asked: string[] = [];
  using _ = openPage("/workspaces?q=status:running", {
    workspaceList: ({ query }) => {
      asked.push(`${query.get("offset")} ${query.get("sort") ?? ""}`);
      const offset = Number(query.get("offset"));
      return { workspaces: all.slice(offset, offset + Number(query.get("limit"))), count: all.length };
    },
  });
  await screen.findByRole("link", { name: /w0$/ });
  expect(screen.getByRole("table", { name: "Workspaces" }).getAttribute("aria-rowcount")).toBe("10001");
  expect(screen.getAllByRole("row").length).toBeLessThan(100);
  await press("Last used");
  await waitFor(() => expect(asked.at(-1)).toMatch(/last_used_at$/));
  expect(location.search).toContain("sort=last_used_at");
});

test("selected workspaces are stopped together after a question; what failed stays selected", async () => {
  const [first, second, stopped] = [
    ...many(2),
    workspace({ latest_build: build({ transition: "stop", status: "stopped" }, []) }),
  ];
  using deployment = openPage("/workspaces", {
    workspaceList: { workspaces: [first!, second!, stopped!], count: 3 },
    workspaceBuildCreate: ({ path }) =>
      path.includes(second!.id) ? new ApiError(409, "A build is active.") : build({ transition: "stop" }),
  });
  await screen.findByRole("link", { name: "w0" });
  await act(async () => fireEvent.click(screen.getByRole("checkbox", { name: "Select all" })));
  const bar = within(screen.getByRole("region", { name: "Selection" }));
  bar.getByText("3 selected");
  await act(async () => fireEvent.click(bar.getByRole("button", { name: "Stop" })));
  await screen.findByRole("dialog", { name: "Stop 2 workspaces?" });
  screen.getByText("It does not apply to 1 workspace of those selected.");
  expect(deployment.writes).toEqual([]);
  await pressLast("Stop 2 workspaces");
  await screen.findByText("1 workspace stopping.");
  await screen.findByText("w1: A build is active.");
  bar.getByText("1 selected");
});

test("a search is chips and words; what the server refuses is said once, below the field", async () => {
  using _ = openPage("/workspaces?q=owner%3Ame+template%3Adocker", {
    workspaceList: ({ query }) =>
      query.get("q")!.includes("colour:")
        ? new ApiError(400, "Invalid search.", [
            { field: "q", detail: '"colour" is not a valid search key.' },
          ])
        : { workspaces: [workspace()], count: 1 },
    templateList: [],
  });
  await screen.findByRole("button", { name: "Remove template:docker" });
  expect(screen.getByRole("button", { name: "Mine" }).getAttribute("aria-pressed")).toBe("true");
  const field = screen.getByRole("combobox", { name: "Search workspaces" });
  await act(async () => field.focus());
  await act(async () => fireEvent.change(field, { target: { value: "stat" } }));
  await act(async () => fireEvent.keyDown(field, { key: "ArrowDown" }));
  await act(async () => fireEvent.keyDown(field, { key: "Enter" }));
  expect((field as HTMLInputElement).value).toBe("status:");
  await act(async () => fireEvent.change(field, { target: { value: "colour:red" } }));
  await act(async () => fireEvent.keyDown(field, { key: "Enter" }));
  await waitFor(() => expect(alerts()).toEqual(['"colour" is not a valid search key.']));
  await press("Clear search");
  await screen.findByRole("link", { name: "dev" });
  expect(new URLSearchParams(location.search).get("q")).toBe("owner:me");
});

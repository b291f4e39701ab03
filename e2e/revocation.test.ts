import { once } from "node:events";
import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { type Fleet, startFleet } from "./harness/fleet.js";
import { createLocalWorkspace, pushLocalTemplate, workspaceOf } from "./harness/workspace.js";

const me = { user: "me" };

/** Opens everything that a user can have open at once with one token. */
async function openAll(fleet: Fleet, agent: string, workspace: string, token: string) {
  const paths = {
    SSH: `/api/v2/workspaceagents/${agent}/ssh`,
    terminal: `/api/v2/workspaceagents/${agent}/pty?reconnect=${crypto.randomUUID()}&command=cat`,
    "app's WebSocket": "/@owner/dev/apps/sample/ws",
    "watched workspace": `/api/v2/workspaces/${workspace}/watch-ws`,
    "watched metadata": `/api/v2/workspaceagents/${agent}/watch-metadata-ws`,
    inbox: "/api/v2/notifications/inbox/watch",
  };
  return Promise.all(
    Object.entries(paths).map(async ([name, path]) => {
      const socket = new WebSocket(`${fleet.url.replace("http", "ws")}${path}`, {
        headers: { "Coder-Session-Token": token },
      });
      socket.on("error", () => {});
      await once(socket, "open");
      return { name, socket };
    }),
  );
}

test("every stream opened with a token closes within seconds of its revocation, and no other stream does", async () => {
  await using fleet = await startFleet();
  await pushLocalTemplate(fleet);
  const { id: agent } = await createLocalWorkspace(fleet, "dev");
  const { id: workspace } = await workspaceOf(fleet, "dev");
  const { key } = await fleet.client.tokenCreate({ params: me, body: { token_name: "laptop" } });
  const [lost, kept] = [
    await openAll(fleet, agent, workspace, key),
    await openAll(fleet, agent, workspace, fleet.token),
  ];
  const open = (streams: typeof lost) =>
    streams.filter(({ socket }) => socket.readyState === socket.OPEN).map(({ name }) => name);
  expect(open(lost)).toHaveLength(lost.length);

  await fleet.client.keyDelete({ params: { ...me, key: key.split("-")[0]! } });
  await waitFor(() => open(lost).length === 0, { what: "the streams to end", timeoutMs: 5_000 });
  expect(open(kept)).toEqual(kept.map(({ name }) => name));
  for (const { socket } of kept) socket.terminate();
});

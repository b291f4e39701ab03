import type { ConnectionLog } from "@fleet/sdk";
import { startDeployment } from "../../testing/deployment.js";
import { user } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const id = (at: number) => `00000000-0000-4000-8000-${String(at).padStart(12, "0")}`;
const connection = (at: number, rest: Partial<ConnectionLog> = {}): ConnectionLog => ({
  id: id(at),
  connect_time: "2026-11-24T09:00:00Z",
  organization: { id: id(0), name: "coder", display_name: "Coder", icon: "" },
  workspace_owner_id: id(0),
  workspace_owner_username: "ana",
  workspace_id: id(0),
  workspace_name: "dev",
  agent_name: "main",
  ip: "10.0.0.1",
  type: "ssh",
  user: user(),
  user_agent: "coder/v2",
  ...rest,
});

test("connections say who, where, how long and how they ended", async () => {
  await using cli = await createTestCli();
  const disconnect_time = "2026-11-24T09:01:30Z";
  await using deployment = await startDeployment({
    connectionLogList: () => ({
      connection_logs: [
        connection(1, { disconnect_time, ssh_info: { connection_id: id(7), disconnect_time, exit_code: 3 } }),
        connection(2, {
          type: "workspace_app",
          user: null,
          web_info: { user_agent: "x", user: null, slug_or_port: "web", status_code: 200 },
        }),
      ],
      count: 2,
    }),
  });
  const { stdout } = await cli.run([
    "--url",
    deployment.url,
    "--token",
    "t",
    "connection-log",
    "list",
    "-s",
    "type:ssh",
  ]);
  const lines = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(lines[1]).toEqual(expect.arrayContaining(["ana", "ana/dev", "ssh", "10.0.0.1", "1m 30s", "3"]));
  expect(lines[2]).toEqual(expect.arrayContaining(["ana/dev", "workspace_app", "web"]));
  expect(lines[2]!.join(" ")).toMatch(/\(open\)/);
  expect(deployment.requests[0]).toContain("q=type%3Assh");
});

test("more than the API gives at once is read page by page", async () => {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    connectionLogList: ({ query }) => {
      const [limit, offset] = [Number(query.get("limit")), Number(query.get("offset") ?? 0)];
      const items = Array.from({ length: Math.min(limit, 1_000, 5_000 - offset) }, (_, at) =>
        connection(offset + at),
      );
      return { connection_logs: items, count: 5_000 };
    },
  });
  const args = ["--url", deployment.url, "--token", "t", "connection-log", "ls", "-o", "json", "-l", "1500"];
  const { stdout } = await cli.run(args);
  expect(JSON.parse(stdout)).toHaveLength(1_500);
});

test("an export is copied as it comes", async () => {
  await using cli = await createTestCli();
  const lines = Array.from({ length: 20_000 }, (_, at) => `{"id":"${at}"}\n`).join("");
  await using deployment = await startDeployment({ auditExport: () => Buffer.from(lines) });
  const { stdout, status } = await cli.run(["--url", deployment.url, "--token", "t", "audit", "export"]);
  expect(status).toBe(0);
  expect(stdout).toBe(lines);
});

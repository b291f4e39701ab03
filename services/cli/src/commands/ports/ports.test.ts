import { FleetError } from "@fleet/base";
import { type Call, type Handlers, startDeployment } from "../../testing/deployment.js";
import { agent, build, workspace } from "../../testing/objects.js";
import { createTestCli } from "../../testing/run.js";

const running = workspace({
  name: "dev",
  owner_name: "ana",
  latest_build: build({}, [agent({ name: "main" })]),
});
const share = (port: number, agent_name = "main") => ({
  ...{ workspace_id: running.id, agent_name, port },
  ...{ share_level: "public" as const, protocol: "https" as const },
});

async function run(handlers: Handlers, ...args: string[]) {
  await using cli = await createTestCli();
  await using deployment = await startDeployment({
    workspaceGetByName: () => running,
    applicationsHost: () => ({ host: "*.apps.example.com" }),
    ...handlers,
  });
  return await cli.run(["--url", deployment.url, "--token", "t", "ports", ...args]);
}

test("listening and shared ports are one list, by port", async () => {
  const { stdout } = await run(
    {
      agentListeningPorts: () => ({
        ports: [
          { process_name: "vite", network: "tcp", port: 5173 },
          { process_name: "node", network: "tcp", port: 3000 },
        ],
      }),
      portShareList: () => ({ shares: [share(5173), share(80), share(81, "other")] }),
    },
    ...["list", "dev", "-o", "json"],
  );
  expect(JSON.parse(stdout)).toEqual([
    { port: 80, process_name: "", listening: false, share_level: "public", protocol: "https" },
    { port: 3000, process_name: "node", listening: true, share_level: "owner", protocol: "http" },
    { port: 5173, process_name: "vite", listening: true, share_level: "public", protocol: "https" },
  ]);
});

test("a port is shared and unshared; the address is the result", async () => {
  const bodies: unknown[] = [];
  const handlers: Handlers = {
    portShareUpsert: ({ body }: Call) => {
      bodies.push(body);
      return share(8443);
    },
    portShareDelete: ({ body }: Call) => void bodies.push(body),
  };
  const shared = await run(
    handlers,
    "share",
    "dev",
    "8443",
    "--level",
    "organization",
    "--protocol",
    "https",
  );
  expect(shared).toEqual({
    status: 0,
    stdout: expect.stringMatching(/^http:\/\/8443s--main--dev--ana\.apps\.example\.com\/\n$/),
    stderr: "Port 8443 of dev is shared: members of its organization can open it.\n",
  });
  await run(handlers, "unshare", "dev", "8443");
  expect(bodies).toEqual([
    { agent_name: "main", port: 8443, share_level: "organization", protocol: "https" },
    { agent_name: "main", port: 8443 },
  ]);
});

test("the template's maximum is told in the server's words, and a wrong port in ours", async () => {
  const portShareUpsert = () => {
    throw new FleetError("invalid_argument", "The template allows sharing up to: organization.");
  };
  const refused = await run({ portShareUpsert }, "share", "dev", "3000", "--level", "public");
  expect(refused).toMatchObject({
    status: 1,
    stderr: "error: The template allows sharing up to: organization.\n",
  });
  expect((await run({}, "share", "dev", "70000")).stderr).toContain("Must be a port from 1 to 65535.");
});

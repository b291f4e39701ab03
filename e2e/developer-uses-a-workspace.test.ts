import { waitFor } from "@fleet/testkit";
import { WebSocket } from "ws";
import { startFleet } from "./harness/fleet.js";
import {
  agentReady,
  createLocalWorkspace,
  pushLocalTemplate,
  succeed,
  workspaceOf,
} from "./harness/workspace.js";

test("a developer creates a workspace, works in it, stops and starts it, and deletes it", async () => {
  await using fleet = await startFleet();
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");

  // A command over SSH, with its exact output and exit code.
  const exec = await fleet.coder(["ssh", "dev", "--", "echo out; echo err >&2; cat; exit 7"], {
    input: "typed",
  });
  expect(exec).toMatchObject({ code: 7, stdout: "out\ntyped", stderr: expect.stringContaining("err") });
  await succeed(fleet, ["ssh", "dev", "--", "echo kept > ~/kept; echo gone > /tmp/gone"]);

  // `coder` works in the workspace, and git uses the owner's SSH key through it.
  const inside = "coder stat disk -o json | tr -d '[:space:]'; echo; $GIT_SSH_COMMAND -G git@example.com";
  const [disk, ...ssh] = (await succeed(fleet, ["ssh", "dev", "--", inside])).split("\n");
  expect(JSON.parse(disk!)).toMatchObject({ unit: "GiB" });
  expect(ssh).toContainEqual(expect.stringMatching(/^identityfile .*\/coder-gitssh-\w+\/key$/));

  // The dev URL of the sample app, by path and over WebSocket.
  const page = await fetch(`${fleet.url}/@owner/dev/apps/sample/`, {
    headers: { "Coder-Session-Token": fleet.token },
  });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain("served by");
  expect(
    await echo(
      `${fleet.url.replace("http", "ws")}/@owner/dev/apps/sample/ws`,
      fleet.token,
      "over the tunnel",
    ),
  ).toBe("over the tunnel");
  const stranger = await fetch(`${fleet.url}/@owner/dev/apps/sample/`, { redirect: "manual" });
  expect(stranger.headers.get("location")).toContain("/login");

  const first = await workspaceOf(fleet, "dev");
  await succeed(fleet, ["stop", "dev", "--yes"]);
  const stopped = await workspaceOf(fleet, "dev");
  expect(stopped.latest_build.status).toBe("stopped");
  expect(stopped.latest_build.resources.map(({ type, name }) => `${type}.${name}`)).toEqual([
    "terraform_data.home",
  ]);

  await succeed(fleet, ["start", "dev", "--yes"]);
  await agentReady(fleet, "dev");
  expect(
    await succeed(fleet, ["ssh", "dev", "--", "cat ~/kept; ls /tmp/gone 2>/dev/null || echo replaced"]),
  ).toBe("kept\nreplaced\n");
  const second = await workspaceOf(fleet, "dev");
  expect(second.latest_build.build_number).toBe(first.latest_build.build_number + 2);

  await succeed(fleet, ["delete", "dev", "--yes"]);
  await expect(workspaceOf(fleet, "dev")).rejects.toMatchObject({ code: "not_found" });
  expect((await fleet.coder(["list", "-o", "json"])).stdout.trim()).toBe("[]");
});

test("what is running survives the restart of every service", async () => {
  await using fleet = await startFleet();
  await pushLocalTemplate(fleet);
  await createLocalWorkspace(fleet, "dev");
  const pid = (
    await succeed(fleet, ["ssh", "dev", "--", "setsid sleep 600 >/dev/null 2>&1 & echo $!"])
  ).trim();
  for (const service of ["proxy", "coderd", "provisionerd"] as const) {
    await fleet.kill(service);
    await agentReady(fleet, "dev");
    const alive = await waitFor(
      async () =>
        (await fleet.coder(["ssh", "dev", "--", `kill -0 ${pid} && echo alive`])).stdout.includes("alive"),
      { what: `SSH after a kill of ${service}`, timeoutMs: 30_000 },
    );
    expect(alive).toBe(true);
  }
});

function echo(url: string, token: string, text: string): Promise<string> {
  return new Promise((done, fail) => {
    const socket = new WebSocket(url, { headers: { "Coder-Session-Token": token } });
    socket.once("error", fail);
    socket.once("open", () => socket.send(text));
    socket.once("message", (message) => {
      socket.close();
      done(String(message));
    });
  });
}

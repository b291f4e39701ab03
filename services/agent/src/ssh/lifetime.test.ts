import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Clock, systemClock } from "@fleet/base";
import type { Client, ClientChannel } from "ssh2";
import { startAgent, type TestAgent } from "../testing/agent.js";
import { execute, openssh, sshClient } from "../testing/ssh.js";
import { waitFor } from "../testing/wait.js";

const opened = (client: Client, command: string, options: object = {}) =>
  new Promise<ClientChannel>((resolve, reject) => {
    client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** A file that the command writes, once it is there. */
const fileOf = (agent: TestAgent, name: string) =>
  waitFor(async () => (await readFile(join(agent.home, name), "utf8")) || undefined);

test("a command without a terminal keeps running when its connection is lost, and reads EOF", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const channel = await opened(client, "trap 'echo hung up > hup' HUP; tee input; echo done > finished");
  channel.write("half a line");
  await once(channel, "data");
  agent.deployment.cut();
  expect(await fileOf(agent, "finished")).toBe("done\n");
  expect(await fileOf(agent, "input")).toBe("half a line");
  expect(existsSync(join(agent.home, "hup"))).toBe(false);
});

test("if it writes afterwards, its output is closed", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  await opened(client, "trap '' PIPE; echo $$ > pid; cat > /dev/null; echo x || echo $? > failed");
  await fileOf(agent, "pid");
  client.end();
  expect(await fileOf(agent, "failed")).toBe("1\n");
});

test("closing one channel does not block others on the connection", async () => {
  await using agent = await startAgent();
  const client = await sshClient(agent);
  const channel = await opened(client, "echo $$ > pid; exec sleep 1000");
  channel.write(Buffer.alloc(1_000_000)); // It reads nothing of this.
  const pid = Number(await fileOf(agent, "pid"));
  channel.destroy();
  expect((await execute(client, "echo through")).code).toBe(0);
  expect(isAlive(pid)).toBe(true);
  process.kill(pid);
  client.end();
});

test("a disconnecting client sends SIGHUP to its terminal, and so does a stopping agent to running commands", async () => {
  const agent = await startAgent();
  const client = await sshClient(agent);
  await opened(client, "echo $$ > terminal; exec sleep 1000", { pty: true });
  await opened(client, "echo $$ > command; exec sleep 1000");
  const [terminal, command] = [
    Number(await fileOf(agent, "terminal")),
    Number(await fileOf(agent, "command")),
  ];
  agent.deployment.cut();
  await waitFor(() => !isAlive(terminal));
  expect(isAlive(command)).toBe(true);
  await agent[Symbol.asyncDispose]();
  await waitFor(() => !isAlive(command));
});

test("a stopping agent tells OpenSSH why", async () => {
  const agent = await startAgent();
  const session = openssh(agent, "ssh", ["-tt", "127.0.0.1", "echo > up; exec sleep 1000"]);
  await waitFor(() => existsSync(join(agent.home, "up")));
  await agent[Symbol.asyncDispose]();
  expect(await session).toMatchObject({
    code: 255,
    stderr: expect.stringContaining("The workspace is stopping."),
  });
});

/** Hours pass at once, for those who wait for them. */
function fastClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  const waiting = new Map<object, { at: number; callback: () => void; every?: number }>();
  const add = (ms: number, callback: () => void, every?: number) => {
    const key = {};
    waiting.set(key, { at: now + ms, callback, every });
    return { cancel: () => void waiting.delete(key) };
  };
  return {
    ...systemClock,
    after: (ms, callback) => (ms < 3_600_000 ? systemClock.after(ms, callback) : add(ms, callback)),
    pass(ms) {
      now += ms;
      for (const [key, { at, callback }] of [...waiting]) {
        if (at > now) continue;
        waiting.delete(key);
        callback();
      }
    },
  };
}

test.each([
  ["as long as it may, and no longer", 72, true],
  ["without an end where 0 is set", 0, false],
])("a connection lasts %s", async (_title, hours, ends) => {
  const clock = fastClock();
  await using agent = await startAgent({}, { sshMaxTimeoutMs: hours * 3_600_000 }, clock);
  const client = await sshClient(agent);
  let closed = false;
  client.on("close", () => {
    closed = true;
  });
  clock.pass(71 * 3_600_000);
  expect((await execute(client, "echo here")).code).toBe(0);
  clock.pass(2 * 3_600_000);
  if (ends) await waitFor(() => closed);
  else expect((await execute(client, "echo here")).code).toBe(0);
  client.end();
});

test("a client that is idle for days is not disconnected", async () => {
  const timers: { ms: number; tick: () => void }[] = [];
  const { setInterval } = globalThis;
  globalThis.setInterval = ((tick: () => void, ms: number) => {
    timers.push({ ms, tick });
    return setInterval(tick, ms);
  }) as typeof setInterval;
  try {
    await using agent = await startAgent();
    const tunnel = await agent.deployment.tunnel();
    const sock = await tunnel.open({ kind: "ssh", target: "" });
    const client = await sshClient(agent, { sock, keepaliveInterval: 0 });
    const keepalives = timers.filter(({ ms }) => ms === 60_000);
    expect(keepalives).toHaveLength(1);
    sock.pause(); // It answers nothing.
    for (let minute = 0; minute < 72 * 60; minute++) keepalives[0]!.tick();
    sock.resume();
    expect(String((await execute(client, "echo still here")).stdout)).toBe("still here\n");
    client.end();
  } finally {
    globalThis.setInterval = setInterval;
  }
});

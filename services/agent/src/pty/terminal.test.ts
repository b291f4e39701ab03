import { systemClock } from "@fleet/base";
import { waitFor } from "../testing/wait.js";
import { spawnTerminal } from "./terminal.js";

const options = {
  cwd: "/",
  env: { PATH: process.env.PATH! },
  size: { cols: 80, rows: 24 },
  clock: systemClock,
};

test("unread output is kept when the process ends", async () => {
  let lingered = 0;
  const clock = {
    ...systemClock,
    after: (ms: number, callback: () => void) => {
      lingered++;
      return systemClock.after(ms, callback);
    },
  };
  const terminal = spawnTerminal({ ...options, clock, file: "/bin/sh", args: ["-c", "seq 1 500"] });
  terminal.io.pause();
  await waitFor(() => lingered >= 2);
  let seen = "";
  terminal.io.on("data", (chunk) => {
    seen += chunk;
  });
  terminal.io.resume();
  expect(await terminal.exited).toEqual({ code: 0, signal: undefined });
  expect(seen.trimEnd().split("\r\n")).toHaveLength(500);
});

test("killing reaches every process of the terminal", async () => {
  const terminal = spawnTerminal({ ...options, file: "/bin/sh", args: ["-c", "sleep 1000 & echo $!; wait"] });
  const pid = Number((await new Promise<Buffer>((resolve) => terminal.io.once("data", resolve))).toString());
  terminal.kill();
  terminal.io.resume();
  await terminal.exited;
  await waitFor(() => !isAlive(pid));
});

test("a size of zero becomes the default size", async () => {
  const terminal = spawnTerminal({
    ...options,
    size: { cols: 0, rows: 0 },
    file: "/bin/sh",
    args: ["-c", "stty size"],
  });
  let seen = "";
  terminal.io.on("data", (chunk) => {
    seen += chunk;
  });
  await terminal.exited;
  expect(seen).toBe("24 80\r\n");
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

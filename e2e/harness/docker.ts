import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "@fleet/testkit";

/** A Docker engine of its own: containers share the machine's network, since nothing else may be changed there. */
export type Docker = AsyncDisposable & {
  /** For `DOCKER_HOST`. */
  host: string;
  /** The output of `docker …`; throws if it fails. */
  run(...args: string[]): string;
};

export const hasDocker = () => existsSync("/usr/sbin/dockerd") || existsSync("/usr/bin/dockerd");

/** The base image of the dev containers. Where no registry can be reached, it is made from Debian's packages. */
export const IMAGE = "debian:12-slim";

/** Starts an engine, unless E2E_DOCKER_HOST names one that has the image. */
export async function startDocker(): Promise<Docker> {
  const given = process.env.E2E_DOCKER_HOST;
  if (given) return { host: given, run: runner(given), async [Symbol.asyncDispose]() {} };
  const folder = mkdtempSync(join(tmpdir(), "e2e-docker-"));
  const host = `unix://${folder}/docker.sock`;
  const daemon = spawn(
    "dockerd",
    [
      `--host=${host}`,
      `--data-root=${folder}/data`,
      `--exec-root=${folder}/exec`,
      `--pidfile=${folder}/pid`,
      "--bridge=none",
      "--iptables=false",
      "--ip-masq=false",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  let said = "";
  daemon.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-4_000);
  });
  const run = runner(host);
  const docker: Docker = {
    host,
    run,
    async [Symbol.asyncDispose]() {
      try {
        const all = run("ps", "--all", "--quiet").split("\n").filter(Boolean);
        if (all.length > 0) run("rm", "--force", "--volumes", ...all);
      } catch {
        // The engine has not started.
      }
      const ended = new Promise((resolve) => daemon.once("exit", resolve));
      if (daemon.exitCode === null && daemon.kill("SIGTERM")) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await waitFor(() => run("info", "--format", "{{.ServerVersion}}"), {
      what: "dockerd",
      timeoutMs: 60_000,
    });
    makeImage(run, folder);
  } catch (error) {
    await docker[Symbol.asyncDispose]();
    throw new Error(`The engine failed: ${said}`, { cause: error });
  }
  return docker;
}

function runner(host: string): Docker["run"] {
  return (...args) => {
    const { status, stdout, stderr, error } = spawnSync("docker", args, {
      env: { ...process.env, DOCKER_HOST: host },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`docker ${args.join(" ")}: ${error?.message ?? stderr}`);
    return stdout.trim();
  };
}

function makeImage(run: Docker["run"], folder: string): void {
  try {
    run("pull", "--quiet", IMAGE);
  } catch {
    const root = join(folder, "root");
    shell(
      `debootstrap --variant=minbase bookworm "${root}" >/dev/null && tar -C "${root}" -cf "${root}.tar" .`,
    );
    run("import", `${root}.tar`, IMAGE);
    shell(`rm -rf "${root}" "${root}.tar"`);
  }
}

function shell(command: string): void {
  const { status, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${command}: ${stderr}`);
}

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Transition } from "@fleet/proto-gen/provisioner";
import { waitFor } from "@fleet/testkit";
import { outputOf } from "../testing/coderd.js";
import { buildResult, CODER, createTerraformHarness, failure, importResult } from "../testing/terraform.js";
import { createControlGroup } from "./cgroup.js";
import type { JobLimits } from "./limits.js";

const MIB = 1024 * 1024;
const LIMITS: JobLimits = {
  timeoutMs: 120_000,
  diskBytes: 64 * MIB,
  memoryBytes: 1024 * MIB,
  processes: 200,
};

/** Whether control groups can be made here. */
const probe = createControlGroup(`test-${process.pid}`, LIMITS);
const hasGroups = probe !== undefined;
afterAll(() => probe?.remove());

const isRoot = process.getuid?.() === 0;
/** Each way to isolate that works here; all of them on a machine with bubblewrap, as root. */
const KINDS = [
  { setting: "bubblewrap" as const },
  // As for a daemon that is not root: templates run as its own user.
  { setting: "bubblewrap" as const, ownUser: true },
  ...(isRoot ? [{ setting: "user" as const }] : []),
];
const withSandbox = existsSync("/usr/bin/bwrap") ? describe : describe.skip;

/** A template that runs a script, whose output is in the build's log. */
const running = (script: string) => ({
  "main.tf": `${CODER}
resource "coder_agent" "main" {
  os   = "linux"
  arch = "amd64"
}
resource "terraform_data" "box" {
  input = coder_agent.main.id
  provisioner "local-exec" {
    command = "sh '\${path.module}/hostile.sh'"
  }
}`,
  "hostile.sh": script,
});

type Kind = { setting: "bubblewrap" | "user"; ownUser?: boolean };

function isolated({ ownUser = false, ...isolation }: Kind, limits = LIMITS) {
  return createTerraformHarness({ isolation: { ...isolation, hidden: [] }, limits, closedCache: ownUser });
}

withSandbox("a template that is isolated", () => {
  test.each(KINDS)("imports and builds as any other: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const files = running('echo "I write $(mktemp) and $(pwd)"; echo done > made.txt; cat made.txt');
    const { prepared } = await importResult(await fleet.importOf(files));
    const job = await fleet.build(files, Transition.START, { prepared });
    const { state, resources } = await buildResult(job);
    expect(resources.flatMap(({ agents }) => agents)).toMatchObject([{ name: "main" }]);
    expect(outputOf(job).join("\n")).toContain("(local-exec): done");
    const stopped = await fleet.build(files, Transition.DELETE, { prepared, state });
    expect(await buildResult(stopped)).toMatchObject({ resources: [] });
  });

  test.each(KINDS)("reads neither the daemon's memory nor its files, nor other builds: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const files = running(`
for file in environ mem maps root/etc/hostname cwd/package.json; do
  if cat /proc/${process.pid}/$file 2>/dev/null | head -c 1 | grep -q .; then echo "READ $file"; fi
done
ls -l /proc/${process.pid}/fd/ 2>/dev/null | grep -q . && ls -l /proc/${process.pid}/fd/ | grep socket && echo "READ descriptors"
for path in "${fleet.cacheDirectory}"/files/* "${fleet.cacheDirectory}"/installed/* "${fleet.cacheDirectory}"/modules/*; do
  if cat "$path" >/dev/null 2>&1; then echo "READ $path"; fi
done
for path in "${fleet.cacheDirectory}"/work/*/*; do
  case "$PWD" in "$path"/*) ;; *) if ls "$path"/src >/dev/null 2>&1; then echo "READ $path"; fi ;; esac
done
umount "${fleet.cacheDirectory}" 2>/dev/null && echo "READ below a mount"
unshare -rm sh -c 'umount "${fleet.cacheDirectory}"' 2>/dev/null && echo "READ below a mount"
echo x > /etc/coder-hostile 2>/dev/null && echo "WROTE /etc"
echo x > /usr/coder-hostile 2>/dev/null && echo "WROTE /usr"
echo looked around
`);
    // Another build that runs meanwhile, with files of its own.
    const other = await fleet.build(running("until [ -e leave ]; do sleep 0.1; done"), Transition.START);
    await waitFor(() => outputOf(other).some((line) => line.includes("Creating")), {
      what: "the other build",
    });
    const job = await fleet.build(files, Transition.START);
    await buildResult(job);
    const output = outputOf(job).join("\n");
    expect(output).toContain("looked around");
    expect(output).not.toMatch(/READ|WROTE/);
    other.tell({ canceled: true });
    await failure(other);
  });

  test.each(KINDS)("leaves no process behind: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const mark = `mark${process.pid}${kind.setting}`;
    const files = running(
      `setsid -f sh -c 'while :; do sleep 1; done' ${mark} </dev/null >/dev/null 2>&1; echo started`,
    );
    const job = await fleet.build(files, Transition.START);
    await buildResult(job);
    expect(outputOf(job).join("\n")).toContain("started");
    await waitFor(() => !commandLines().some((line) => line.includes(mark)), { what: "the process to end" });
  });

  test.each(KINDS)("ends in order when it is canceled, with its state: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const job = await fleet.build(running("echo begun; sleep 600 & wait"), Transition.START);
    await waitFor(() => outputOf(job).some((line) => line.includes("begun")), { what: "the build" });
    job.tell({ canceled: true });
    const failed = await failure(job);
    expect(failed.canceled).toBe(true);
    expect(new TextDecoder().decode(failed.state)).toContain("coder_agent");
  });

  test.each(KINDS)("is bounded in time, with a sentence: %j", async (kind) => {
    await using fleet = await isolated(kind, { ...LIMITS, timeoutMs: 2_000 });
    const failed = await failure(await fleet.build(running("sleep 600"), Transition.START));
    expect(failed.error).toContain("The job ran longer than 0 minutes and was stopped");
    expect(failed.canceled).toBe(false);
    expect(new TextDecoder().decode(failed.state)).toContain("coder_agent");
  });

  test.each(KINDS)("is bounded in what it writes, with a sentence: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const script =
      'while :; do head -c 4194304 /dev/zero >> filler; head -c 4194304 /dev/zero >> "$TMPDIR/filler"; sleep 0.02; done';
    const failed = await failure(await fleet.build(running(script), Transition.START));
    expect(failed.error).toContain("The job wrote more than 64 MiB");
  });

  test.each(KINDS)("is bounded in memory and processes, and the daemon goes on: %j", async (kind) => {
    await using fleet = await isolated(kind, { ...LIMITS, memoryBytes: 400 * MIB });
    const hog = "head -c 1000000000 /dev/zero | tail -c 1000000000 | wc -c";
    const heavy = await failure(await fleet.build(running(`${hog} | grep -q 1000000000`), Transition.START));
    expect(heavy.error).toContain(hasGroups ? "needed more than 400 MiB of memory" : "terraform apply");
    const bomb = await fleet.build(
      running("i=0; while [ $i -lt 400 ]; do sleep 20 >/dev/null 2>&1 & i=$((i + 1)); done; echo made $i"),
      Transition.START,
    );
    const failed = await failure(bomb);
    expect(outputOf(bomb).join("\n")).not.toContain("made 400");
    expect(failed.error).toContain(hasGroups ? "more than 200 processes at once" : "terraform apply");
    await buildResult(await fleet.build(running("echo fine"), Transition.START));
  });

  test.each(KINDS)("cannot have the daemon read a file of its own in a state's place: %j", async (kind) => {
    await using fleet = await isolated(kind);
    const script =
      "rm -f terraform.tfstate; while :; do ln -sf /etc/passwd terraform.tfstate; sleep 0.05; done >/dev/null 2>&1 & sleep 1";
    const job = await fleet.build(running(script), Transition.START);
    await waitFor(() => job.completed ?? job.failed, { what: "the end", timeoutMs: 20_000 });
    const ends = JSON.stringify(
      [job.completed, job.failed, job.checkpoint && Buffer.from(job.checkpoint).toString()],
      (_key, value) =>
        typeof value === "bigint"
          ? String(value)
          : value instanceof Uint8Array
            ? Buffer.from(value).toString()
            : value,
    );
    expect(ends).not.toContain("root:x:0");
  });
});

function commandLines(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return [];
      }
    });
}

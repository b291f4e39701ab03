import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { nullLogger, systemClock } from "@fleet/base";
import { findRepositories } from "../repositories.js";
import { startAgent } from "../testing/agent.js";
import { waitFor } from "../testing/wait.js";
import type { UnpushedWork } from "../uplink/reports.js";
import { createUnpushedWorkWatcher, WHERE_WORK_IS } from "./watcher.js";

const run = promisify(execFile);

/** A home folder with repositories that a test makes. */
async function createHome() {
  const home = await mkdtemp(join(tmpdir(), "unpushed-"));
  const env = { ...process.env, HOME: home, GIT_CONFIG_NOSYSTEM: "1" } as Record<string, string>;
  const git = (folder: string, ...args: string[]) => run("git", args, { cwd: join(home, folder), env });
  await writeFile(
    join(home, ".gitconfig"),
    '[user]\nname = Ana\nemail = ana@example.com\n[init]\ndefaultBranch = main\n[protocol "file"]\nallow = always\n',
  );
  return {
    home,
    env,
    git,
    path: (...parts: string[]) => join(home, ...parts),
    /** A clone whose only commit is pushed. */
    async clone(name: string) {
      await run("git", ["init", "-q", "--bare", join(home, ".remotes", `${name}.git`)], { env });
      await run("git", ["clone", "-q", join(home, ".remotes", `${name}.git`), join(home, name)], { env });
      await writeFile(join(home, name, "file"), "one\n");
      await git(name, "add", ".");
      await git(name, "commit", "-qm", "one");
      await git(name, "push", "-q", "-u", "origin", "HEAD");
    },
    async look(): Promise<UnpushedWork> {
      let found: UnpushedWork | undefined;
      const watcher = createUnpushedWorkWatcher({
        roots: () => [home],
        environment: () => env,
        report: (work) => {
          found = work;
        },
        // A busy machine starts programs slowly.
        lookMs: 25_000,
        clock: systemClock,
        logger: nullLogger,
      });
      watcher.enable(true);
      await watcher.look();
      watcher.stop();
      return found!;
    },
    [Symbol.asyncDispose]: () => rm(home, { recursive: true, force: true }),
  };
}

const NOTHING = { changedFiles: 0, stashes: 0, branches: [], onEphemeralStorage: expect.any(Boolean) };

test("only repositories with work that exists nowhere else are reported, with what it is", async () => {
  await using test = await createHome();
  const { git, path } = test;
  for (const name of ["clean", "changed", "stashed", "ahead", "branched", "detached"]) await test.clone(name);
  await appendFile(path("changed", "file"), "two\n");
  await writeFile(path("changed", "an untracked file\nwith a line break"), "");
  await appendFile(path("stashed", "file"), "two\n");
  await git("stashed", "stash");
  await git("ahead", "commit", "-q", "--allow-empty", "-m", "two");
  await git("ahead", "commit", "-q", "--allow-empty", "-m", "three");
  await git("branched", "checkout", "-q", "-b", "feature");
  await git("branched", "commit", "-q", "--allow-empty", "-m", "two");
  await git("detached", "checkout", "-q", "--detach");
  await git("detached", "commit", "-q", "--allow-empty", "-m", "two");
  await mkdir(path("scratch"));
  await git("scratch", "init", "-q");
  await git("scratch", "commit", "-q", "--allow-empty", "-m", "never pushed");
  const { complete, repositories } = await test.look();
  expect(complete).toBe(true);
  const found = new Map(repositories.map(({ path: at, ...work }) => [at, work]));
  expect([...found.keys()].sort()).toEqual(
    ["ahead", "branched", "changed", "detached", "scratch", "stashed"].map((name) => path(name)),
  );
  const main = { name: "main", hasUpstream: true };
  expect(found.get(path("changed"))).toEqual({ ...NOTHING, changedFiles: 2 });
  expect(found.get(path("stashed"))).toEqual({ ...NOTHING, stashes: 1 });
  expect(found.get(path("ahead"))).toEqual({ ...NOTHING, branches: [{ ...main, commits: 2 }] });
  expect(found.get(path("branched"))).toEqual({
    ...NOTHING,
    branches: [{ name: "feature", commits: 1, hasUpstream: false }],
  });
  expect(found.get(path("detached"))).toEqual({
    ...NOTHING,
    branches: [{ name: "", commits: 1, hasUpstream: false }],
  });
  expect(found.get(path("scratch"))).toEqual({
    ...NOTHING,
    branches: [{ ...main, commits: 1, hasUpstream: false }],
  });
});

test("a repository cannot make the agent execute anything", async () => {
  await using test = await createHome();
  const { git, path } = test;
  await test.clone("hostile");
  const trap = (name: string) => `touch ${path(`executed-${name}`)}; cat`;
  const settings = {
    "core.fsmonitor": trap("fsmonitor"),
    "core.hooksPath": path("hostile", "hooks"),
    "core.sshCommand": trap("ssh"),
    "core.pager": trap("pager"),
    "core.askPass": trap("askpass"),
    "diff.external": trap("diff"),
    "filter.evil.clean": trap("clean"),
    "filter.evil.smudge": trap("smudge"),
    "filter.evil.required": "true",
    "filter.other evil.process": trap("process"),
    "uploadpack.packObjectsHook": trap("pack"),
  };
  await mkdir(path("hostile", "hooks"));
  for (const hook of ["post-index-change", "reference-transaction", "fsmonitor-watchman"])
    await writeFile(path("hostile", "hooks", hook), `#!/bin/sh\n${trap("hook")}\n`, { mode: 0o755 });
  await writeFile(path("hostile", ".gitattributes"), 'file filter=evil\nother filter="other evil"\n');
  await writeFile(path("hostile", "other"), "x");
  await git("hostile", "add", ".");
  await git("hostile", "commit", "-qm", "two");
  await writeFile(path("included"), `[filter "evil"]\nclean = ${trap("included")}\n`);
  for (const [name, value] of Object.entries(settings)) await git("hostile", "config", name, value);
  await git("hostile", "config", "include.path", path("included"));
  // The same size and another time: git has to compare the content, which it would filter.
  await writeFile(path("hostile", "file"), "two\n");
  await writeFile(path("hostile", "other"), "y");
  const { repositories } = await test.look();
  expect(repositories).toMatchObject([{ path: path("hostile"), changedFiles: 2 }]);
  for (const name of [
    "fsmonitor",
    "ssh",
    "pager",
    "askpass",
    "diff",
    "clean",
    "smudge",
    "process",
    "pack",
    "hook",
    "included",
  ])
    expect([name, existsSync(path(`executed-${name}`))]).toEqual([name, false]);
  // The trap works: without protection, git falls into it.
  await git("hostile", "status");
  expect(existsSync(path("executed-clean")) || existsSync(path("executed-included"))).toBe(true);
});

test("the user's own filters and ignored files are respected, and nothing is written", async () => {
  await using test = await createHome();
  const { git, path } = test;
  await test.clone("large");
  await writeFile(path(".ignored"), "*.log\n");
  await git("large", "config", "--global", "core.excludesFile", path(".ignored"));
  await git("large", "config", "--global", "filter.upper.clean", "tr a-z A-Z");
  await writeFile(path("large", ".gitattributes"), "big filter=upper\n");
  await writeFile(path("large", "big"), "content\n");
  await git("large", "add", ".");
  await git("large", "commit", "-qm", "big");
  await git("large", "push", "-q");
  // As after a checkout by a tool that changes times.
  await writeFile(path("large", "big"), "content\n");
  await writeFile(path("large", "build.log"), "");
  expect((await test.look()).repositories).toEqual([]);
});

test("a search has limits, does not follow links, and says when there may be more", async () => {
  await using test = await createHome();
  const { path } = test;
  const { signal } = new AbortController();
  await mkdir(path("a", "b", "c", "deep", ".git"), { recursive: true });
  await mkdir(path("node_modules", "x", ".git"), { recursive: true });
  await mkdir(path("near", ".git"), { recursive: true });
  await symlink(test.home, path("near", "circle"));
  await symlink(path("a", "b"), path("link"));
  const LIMITS = { depth: 8, folders: 100 };
  const search = (limits: object) =>
    findRepositories([test.home], { ...LIMITS, repositories: 100, ...limits }, WHERE_WORK_IS, signal);
  const [near, deep] = [path("near"), path("a", "b", "c", "deep")];
  expect(await search({})).toEqual({ repositories: [near, deep], complete: true });
  expect(await search({ depth: 2 })).toEqual({ repositories: [near], complete: false });
  expect(await search({ repositories: 1 })).toEqual({ repositories: [near], complete: false });
  expect((await search({ folders: 2 })).complete).toBe(false);
  expect(
    (await findRepositories([test.home], { ...LIMITS, repositories: 9 }, WHERE_WORK_IS, AbortSignal.abort()))
      .complete,
  ).toBe(false);
});

test("an agent looks when it has started, when it is asked, and a last time when it stops", async () => {
  await using agent = await startAgent({
    checkUnpushedWork: true,
    scripts: [
      { id: "s", logSourceId: "l", script: "git init -q ~/shop && touch ~/shop/file", runOnStart: true },
    ],
  });
  const reports = () => agent.deployment.calls("reportUnpushedWork");
  await waitFor(() => reports().length === 1);
  const shop = { path: join(agent.home, "shop"), changedFiles: 1 };
  expect(reports()[0]).toMatchObject({ complete: true, repositories: [shop] });
  await agent.deployment.direct({ reportUnpushedWork: true });
  await waitFor(() => reports().length === 2);
  await writeFile(join(agent.home, "shop", "another"), "");
  await agent.shutdown();
  expect(reports().at(-1)).toMatchObject({ repositories: [{ ...shop, changedFiles: 2 }] });
});

test("an agent that is not asked to look does not", async () => {
  await using agent = await startAgent({ checkUnpushedWork: false });
  await waitFor(() => agent.deployment.calls("connect").length > 0);
  await agent.deployment.direct({ reportUnpushedWork: true });
  await agent.shutdown();
  expect(agent.deployment.calls("reportUnpushedWork")).toEqual([]);
});

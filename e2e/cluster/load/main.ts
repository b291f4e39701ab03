import { createClient } from "@fleet/sdk";
import { readApi } from "./api.js";
import { visitApp } from "./apps.js";
import { buildAgainAndAgain } from "./builds.js";
import { createLedger, type Summary } from "./ledger.js";
import { createAsker, PATIENCE_MS } from "./requests.js";
import { holdSession } from "./sessions.js";

/** Settings of the load, as JSON on its command line. */
export type LoadSettings = {
  url: string;
  token: string;
  /** Path of the CLI. */
  coder: string;
  /** A workspace with a connected agent that serves a page on a port. */
  workspace: string;
  page: { url: string; expected: string };
  buildTemplateId: string;
  /** Number of workspaces that are built repeatedly. */
  builders: number;
  /** Number of CLI sessions. */
  sessions: number;
  /**
   * Whether replicas are killed: clients then retry what is safe to retry when a connection breaks, and a build may
   * fail with its daemon. If replicas are only replaced, neither may happen.
   */
  kills: boolean;
};

/** Printed at the end, in one line. */
export type LoadResult = Summary & { workspaces: { workspace: string; isStarted: boolean }[] };

/**
 * A load of API requests, dev URLs, SSH sessions and builds, run in a pod in the cluster. It runs until its standard
 * input ends, finishes running work, and prints its result. Failures are reported immediately on standard error.
 */
async function main(): Promise<void> {
  const settings: LoadSettings = JSON.parse(process.argv[2]!);
  const { url, token, coder, workspace } = settings;
  const stopped = new AbortController();
  process.stdin.resume().once("end", () => stopped.abort());
  const { signal } = stopped;
  const ledger = createLedger();
  const client = createClient({
    baseUrl: url,
    token,
    // Like the CLI.
    ...(settings.kills ? { retry: { limitMs: PATIENCE_MS } } : {}),
  });

  const askers = Array.from({ length: 4 }, () => createAsker({ ledger, repeats: settings.kills }));
  const [first, second, third, fourth] = askers as [Asker, Asker, Asker, Asker];
  const requests = [
    readApi(first, { url, token, keepAlive: false, ledger, signal }),
    readApi(second, { url, token, keepAlive: true, ledger, signal }),
    ...[third, fourth].map((asker) =>
      visitApp(asker, {
        url,
        token,
        page: settings.page.url,
        expected: settings.page.expected,
        ledger,
        signal,
      }),
    ),
  ];
  const sessions = Array.from({ length: settings.sessions }, (_, index) =>
    holdSession({
      name: `session ${index + 1}`,
      // One session like those of editors: OpenSSH with the CLI as its ProxyCommand.
      command: index === 0 ? openSsh(coder, workspace) : [coder, "ssh", workspace, "--", "cat"],
      ledger,
      signal,
    }),
  );
  const builds = Array.from({ length: settings.builders }, (_, index) =>
    buildAgainAndAgain({
      client,
      templateId: settings.buildTemplateId,
      name: `load-${index + 1}`,
      mayFail: settings.kills,
      ledger,
      signal,
    }),
  );
  const workspaces = await Promise.all(builds);
  await Promise.all([...requests, ...sessions]);
  for (const asker of askers) asker.close();
  const result: LoadResult = { ...ledger.summary(), workspaces };
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

function openSsh(coder: string, workspace: string): [string, ...string[]] {
  const options = [
    `ProxyCommand=${coder} ssh --stdio ${workspace}`,
    "StrictHostKeyChecking=no",
    "UserKnownHostsFile=/dev/null",
    "LogLevel=ERROR",
  ];
  return ["ssh", ...options.flatMap((option) => ["-o", option]), "workspace", "cat"];
}

type Asker = ReturnType<typeof createAsker>;

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);

import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type Clock, errorMessage, isFleetError, type Logger } from "@fleet/base";
import { CompleteJobRequestSchema, FailJobRequestSchema } from "@fleet/proto-gen/provisioner";
import type { CoderdClient } from "./coderd-client.js";
import { untilAnswered } from "./patience.js";
import { isDeadProcess, isOfThisHost, processName } from "./process-name.js";
import { readIfThere } from "./terraform/read.js";

export type Report =
  | { case: "complete"; value: MessageInitShape<typeof CompleteJobRequestSchema> }
  | { case: "fail"; value: MessageInitShape<typeof FailJobRequestSchema> };

/**
 * What a build has reached, on disk, so that a daemon that is killed loses nothing of it: the next one on the same cache
 * folder delivers it (ADR 14).
 */
export type Journal = {
  /** Called before a build begins to change resources. `stateFile` is where its state will be. */
  begin(jobId: string, stateFile: string): Promise<void>;
  /** Called before the build's result is sent. */
  report(jobId: string, report: Report): Promise<void>;
  /** Called when coderd has the result. */
  remove(jobId: string): Promise<void>;
  /** Delivers what dead daemons left. Never rejects; what coderd does not answer is left for the next start. */
  deliver(client: Pick<CoderdClient, "completeJob" | "failJob">): Promise<void>;
};

export type JournalOptions = {
  directory: string;
  daemonId: string;
  clock: Clock;
  logger: Logger;
};

/** Entries of other hosts, whose daemons may be alive, are removed at this age. */
const FOREIGN_MAX_AGE_MS = 24 * 3600 * 1000;

const KILLED =
  "The provisioner was killed while it ran this build. The state that Terraform reached was kept. Check the resources, then run the build again.";

/** A result that stands alone, or how to make one from the state that a killed build left. */
type Entry = { jobId: string; daemonId: string; stateFile: string };

/**
 * Opens the journal and takes over what dead daemons left in it. Must be called before their work folders are removed.
 */
export async function openJournal({ directory, daemonId, clock, logger }: JournalOptions): Promise<Journal> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const own = processName();
  const left: string[] = [];
  for (const name of await readdir(directory)) {
    const [, owner] = /^(.+\.\d+)~[0-9a-f-]{36}\.(begun|complete|fail)$/.exec(name) ?? [];
    if (!owner) continue;
    const path = join(directory, name);
    if (!isDeadProcess(owner)) {
      const { mtimeMs } = await stat(path);
      const abandoned = !isOfThisHost(owner) && clock.now().getTime() - mtimeMs > FOREIGN_MAX_AGE_MS;
      if (abandoned) await rm(path, { force: true });
      continue;
    }
    left.push(path.endsWith(".begun") ? await failureOf(path) : path);
  }
  const pathOf = (jobId: string, what: string) => join(directory, `${own}~${jobId}.${what}`);

  async function send(path: string, client: Pick<CoderdClient, "completeJob" | "failJob">): Promise<void> {
    const bytes = await readFile(path);
    await untilAnswered(
      async (signal) => {
        if (path.endsWith(".complete")) {
          await client.completeJob(fromBinary(CompleteJobRequestSchema, bytes), { signal });
        } else await client.failJob(fromBinary(FailJobRequestSchema, bytes), { signal });
      },
      { clock },
    );
  }

  return {
    begin: (jobId, stateFile) =>
      write(pathOf(jobId, "begun"), JSON.stringify({ jobId, daemonId, stateFile } satisfies Entry)),

    async report(jobId, { case: kind, value }) {
      const bytes =
        kind === "complete"
          ? toBinary(CompleteJobRequestSchema, create(CompleteJobRequestSchema, value))
          : toBinary(FailJobRequestSchema, create(FailJobRequestSchema, value));
      await write(pathOf(jobId, kind), bytes);
      await rm(pathOf(jobId, "begun"), { force: true });
    },

    async remove(jobId) {
      for (const what of ["begun", "complete", "fail"]) await rm(pathOf(jobId, what), { force: true });
    },

    async deliver(client) {
      for (const path of left) {
        try {
          await send(path, client);
          logger.info("Delivered the result of a build whose provisioner was killed.");
        } catch (error) {
          logger.warn("Could not deliver the result of a build whose provisioner was killed.", {
            error: errorMessage(error),
          });
          // Not answered: the next daemon tries again.
          if (!isFleetError(error, "failed_precondition", "not_found", "invalid_argument", "too_large"))
            continue;
        }
        await rm(path, { force: true });
      }
    },
  };
}

/** Replaces the note of a killed build by the failure to report, which contains its state. Returns the file's path. */
async function failureOf(path: string): Promise<string> {
  const { jobId, daemonId, stateFile } = JSON.parse(await readFile(path, "utf8")) as Entry;
  const state = await readIfThere(stateFile);
  const failure = create(FailJobRequestSchema, {
    jobId,
    daemonId,
    error: KILLED,
    // terraform may have been killed while it wrote the file: then the last checkpoint counts.
    ...(state && isWhole(state) ? { state } : {}),
  });
  const to = path.replace(/begun$/, "fail");
  await write(to, toBinary(FailJobRequestSchema, failure));
  await rm(path, { force: true });
  return to;
}

function isWhole(state: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder().decode(state));
    return true;
  } catch {
    return false;
  }
}

/** A reader sees the whole file or none. */
async function write(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  await writeFile(partial, content, { mode: 0o600 });
  await rename(partial, path);
}

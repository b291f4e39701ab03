import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "./ledger.js";

const TYPE_MS = 100;
/** Maximum number of unanswered lines; beyond it the typist waits, as people do. */
const UNANSWERED = 50;
/** How long to wait for the last answers after the load. */
const FAREWELL_MS = 60_000;

export type SessionOptions = {
  name: string;
  /** Program and arguments that open a session that runs `cat`. */
  command: readonly [string, ...string[]];
  ledger: Ledger;
  signal: AbortSignal;
};

/**
 * Types numbered lines into a session and reads them back until `signal` aborts. The session is broken if it ends, or
 * if a line is lost, duplicated or out of order; its pause is the longest time without an expected answer.
 */
export async function holdSession({ name, command, ledger, signal }: SessionOptions): Promise<void> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk).slice(-1_000);
  });
  const exited = once(child, "exit").then(([code, by]) => `it ended with ${code ?? by}: ${said.trim()}`);
  const broken = await Promise.race([exited, talk(child.stdin, child.stdout)]);
  if (broken !== undefined) {
    ledger.fail("broken_cli_sessions", `${name}: ${broken}`);
    child.kill();
  } else child.stdin.end();
  await exited;

  /** Returns what went wrong, or undefined if nothing did. */
  async function talk(input: Writable, output: Readable): Promise<string | undefined> {
    input.on("error", () => {});
    let sent = 0;
    let heard = 0;
    let wrong: string | undefined;
    let waitingSince = performance.now();
    const pause = () => {
      // Before the first answer, the session is not open yet.
      if (sent > heard && heard > 0) ledger.pause(name, performance.now() - waitingSince);
    };
    createInterface({ input: output }).on("line", (line) => {
      pause();
      waitingSince = performance.now();
      ledger.count("lines");
      if (line !== String(++heard))
        wrong ??= `line ${heard} came back as ${JSON.stringify(line.slice(0, 40))}`;
    });
    while (!signal.aborted && wrong === undefined) {
      if (sent - heard < UNANSWERED) {
        if (sent === heard) waitingSince = performance.now();
        input.write(`${++sent}\n`);
      }
      await sleep(TYPE_MS);
    }
    for (const until = performance.now() + FAREWELL_MS; heard < sent && wrong === undefined; ) {
      if (performance.now() > until) wrong = `${sent - heard} of ${sent} lines did not come back`;
      await sleep(TYPE_MS);
    }
    pause();
    return wrong;
  }
}

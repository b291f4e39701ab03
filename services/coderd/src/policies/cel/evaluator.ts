import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type Clock, FleetError } from "@fleet/base";
import type { Answer, Checked, EvaluationInput, Judgement, Request, Rule } from "./types.js";

/**
 * Checks and evaluates CEL in processes of its own: whatever an expression does, coderd goes on serving. A thread would
 * not do, since a single large allocation beyond its limit ends the whole process.
 */
export type Evaluator = {
  /**
   * What is wrong with the rule's expressions, if anything.
   * @throws resource_exhausted if too many callers wait.
   */
  check(rule: Rule): Promise<Checked>;
  /** A judgement for each rule, in order. @throws resource_exhausted if too many callers wait. */
  judge(rules: readonly Rule[], input: EvaluationInput): Promise<Judgement[]>;
  /** Ends the processes; what they were asked fails. */
  close(): Promise<void>;
};

/** How long one rule may take on one plan; most take less than a millisecond, but a machine can be busy. */
const RULE_LIMIT_MS = 2_000;
/** A process stops a rule by itself; one that does not is killed so much later. */
const KILL_DELAY_MS = 2_000;
/** Until a process is ready for its first request. */
const START_LIMIT_MS = 10_000;
const CHILDREN = 2;
const MAX_WAITING = 200;
/** A plan's values are at most 4 MiB of JSON. */
const EXEC_ARGV = ["--max-old-space-size=256", "--max-semi-space-size=16"];
/** Bundled by scripts/build as a file of its own; in tests the source, which Node can run as it is. */
const PROGRAM = import.meta.url.endsWith(".ts") ? "./child.ts" : "./policy-evaluator.js";

const TOO_LONG = "The evaluation took too long.";
const TOO_LARGE = "The evaluation took too much memory.";

/** The process ended before it answered: the rule that it worked on is at fault. */
class ChildEnded extends Error {}

type Child = {
  /** Sends a request and reads its answers, until `onAnswer` returns true. @throws ChildEnded. */
  ask(request: Request, onAnswer: (answer: Answer) => boolean): Promise<void>;
  alive(): boolean;
  end(): Promise<void>;
};

export function createEvaluator({ clock }: { clock: Clock }): Evaluator {
  const idle: Child[] = [];
  const all = new Set<Child>();
  const waiting: ((child: Child | undefined) => void)[] = [];
  let closed = false;

  async function withChild<T>(work: (child: Child) => Promise<T>): Promise<T> {
    const child = await take();
    let usable = false;
    try {
      const result = await work(child);
      usable = true;
      return result;
    } finally {
      await giveBack(child, usable);
    }
  }

  async function take(): Promise<Child> {
    if (closed) throw closing();
    for (let free = idle.pop(); free; free = idle.pop()) {
      if (free.alive()) return free;
      all.delete(free);
    }
    if (all.size < CHILDREN) return add();
    if (waiting.length >= MAX_WAITING) {
      throw new FleetError("resource_exhausted", "Too many policies are being evaluated. Try again later.");
    }
    const child = await new Promise<Child | undefined>((resolve) => waiting.push(resolve));
    if (!child) throw closing();
    return child;
  }

  function add(): Child {
    const child = startChild(clock);
    all.add(child);
    return child;
  }

  async function giveBack(child: Child, usable: boolean): Promise<void> {
    let next = child;
    if (!usable || closed) {
      all.delete(child);
      await child.end();
      if (closed || waiting.length === 0) return;
      next = add();
    }
    const first = waiting.shift();
    if (first) first(next);
    else idle.push(next);
  }

  return {
    async check(rule) {
      try {
        return await withChild(async (child) => {
          let checked: Checked = {};
          await child.ask({ kind: "check", rule, limitMs: RULE_LIMIT_MS }, (answer) => {
            if (answer.kind === "checked") checked = answer.result;
            return true;
          });
          return checked;
        });
      } catch (error) {
        if (!(error instanceof ChildEnded)) throw error;
        if (closed) throw closing();
        const { expression } = rule;
        const source = expression.split("\n")[0]!;
        return {
          fault: {
            field: "expression",
            text: "The expression takes too long to check",
            line: 1,
            column: 1,
            source,
          },
        };
      }
    },

    async judge(rules, input) {
      const results: Judgement[] = [];
      while (results.length < rules.length) {
        const left = rules.slice(results.length);
        try {
          await withChild((child) =>
            child.ask({ kind: "judge", rules: left, input, limitMs: RULE_LIMIT_MS }, (answer) => {
              if (answer.kind === "judged") results.push(answer.result);
              return results.length === rules.length;
            }),
          );
        } catch (error) {
          if (!(error instanceof ChildEnded)) throw error;
          if (closed) throw closing();
          // The others get a new process.
          results.push({ outcome: "error", message: error.message, usesPlan: true });
        }
      }
      return results;
    },

    async close() {
      closed = true;
      for (const resolve of waiting.splice(0)) resolve(undefined);
      await Promise.all([...all].map((child) => child.end()));
    },
  };
}

function closing(): FleetError {
  return new FleetError("unavailable", "The server is shutting down.");
}

function startChild(clock: Clock): Child {
  const child = fork(fileURLToPath(new URL(PROGRAM, import.meta.url)), {
    // Nothing of coderd's: neither its environment nor its options.
    env: {},
    execArgv: EXEC_ARGV,
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.unref();
  child.channel?.unref();
  let ready = false;
  let ended: Error | undefined;
  let current: { onAnswer(answer: Answer): void; onEnd(error: Error): void } | undefined;
  const exited = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const end = (reason: string) => {
    ended ??= ready
      ? new ChildEnded(reason)
      : new FleetError(
          "unavailable",
          "Policies cannot be evaluated at the moment: their process did not start.",
        );
    current?.onEnd(ended);
  };
  child.on("message", (answer: Answer) => {
    if (answer.kind === "ready") ready = true;
    current?.onAnswer(answer);
  });
  child.on("error", () => end(TOO_LARGE));
  child.on("exit", () => end(TOO_LARGE));

  return {
    async ask(request, onAnswer) {
      if (ended) throw ended;
      const limit = () =>
        clock.after(ready ? RULE_LIMIT_MS + KILL_DELAY_MS : START_LIMIT_MS, () => {
          end(TOO_LONG);
          child.kill("SIGKILL");
        });
      let timer = limit();
      try {
        await new Promise<void>((resolve, reject) => {
          current = {
            onEnd: reject,
            onAnswer(answer) {
              // The next one has its own limit.
              timer.cancel();
              if (answer.kind !== "ready" && onAnswer(answer)) resolve();
              else timer = limit();
            },
          };
          child.send(request, (error) => {
            if (error) end(TOO_LARGE);
          });
        });
      } finally {
        timer.cancel();
        current = undefined;
      }
    },
    alive: () => ended === undefined,
    async end() {
      child.kill("SIGKILL");
      if (child.pid !== undefined) await exited;
    },
  };
}

import { FleetError } from "@fleet/base";
import type { Declared } from "./declared.js";
import type { Instance } from "./instances.js";
import { blocks, flag, text } from "./values.js";

// The rules are those of the provider's documentation of coder_script_order.

type Phase = "start" | "stop";

/** One script waits for another of the same phase. */
export type Precedence = { run: Instance; after: Instance; anyOutcome: boolean };

export type ScriptOrder = {
  precedences: Precedence[];
  /** For the template's author. */
  warnings: string[];
};

/** A module's scripts times another's grow fast; more than this is a mistake. */
const MAX_PRECEDENCES = 10_000;

const KEY = String.raw`(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?`;
const MODULES = String.raw`module\.[\w-]+${KEY}(?:\.module\.[\w-]+${KEY})*`;
const SCRIPT = String.raw`coder_script\.[\w-]+${KEY}`;
const STEP = /([\w-]+\.[\w-]+)(\[(?:\d+|"(?:[^"\\]|\\.)*")\])?/g;
const SELECTOR = new RegExp(`^(?:${MODULES}(?:\\.${SCRIPT})?|${SCRIPT})$`);

/**
 * What the coder_script_order of a template demand. With `declared`, a selector that names nothing is refused; without,
 * it selects nothing, because a state does not tell what has no instance. Throws `invalid_argument` for an order that
 * cannot be kept.
 */
export function scriptOrderOf(instances: readonly Instance[], declared?: Declared): ScriptOrder {
  const scripts = instances.filter(({ mode, type }) => mode === "managed" && type === "coder_script");
  const found = new Map<string, Precedence>();
  const warnings: string[] = [];
  for (const order of instances.filter(({ type }) => type === "coder_script_order")) {
    for (const [index, rule] of blocks(order.values, "rule").entries()) {
      const where = `${order.address}, rule ${index + 1}`;
      const select = (field: string) => {
        const chosen = Array.isArray(rule[field]) ? (rule[field] as unknown[]) : [];
        return chosen.map((raw) => selectedBy(String(raw), order, { scripts, declared, where }));
      };
      const [runs, afters] = [select("run"), select("after")];
      const phase = phaseOf([...runs, ...afters], text(rule, "phase"), where, warnings);
      const inPhase = (selections: Selection[]) =>
        selections.flatMap((selection) =>
          selection.scripts.filter((script) => phaseIn(script, where) === phase),
        );
      const anyOutcome = text(rule, "requires") === "completion";
      for (const run of inPhase(runs)) {
        for (const after of inPhase(afters)) {
          const key = `${run.address} ${after.address}`;
          // Of two rules for the same scripts, the stricter one holds.
          found.set(key, { run, after, anyOutcome: anyOutcome && found.get(key)?.anyOutcome !== false });
          if (found.size > MAX_PRECEDENCES) {
            throw invalid(
              `The template orders more than ${MAX_PRECEDENCES} pairs of scripts. Use fewer rules.`,
            );
          }
        }
      }
    }
  }
  const precedences = [...found.values()];
  refuseCycle(precedences);
  return { precedences, warnings: [...new Set(warnings)] };
}

type Selection = { isModule: boolean; scripts: Instance[] };

function selectedBy(
  selector: string,
  { modulePath }: Instance,
  { scripts, declared, where }: { scripts: Instance[]; declared: Declared | undefined; where: string },
): Selection {
  if (!SELECTOR.test(selector)) {
    throw invalid(
      `${where}: "${selector}" is not a valid selector. Use coder_script.NAME, with a key if it has several instances, or module.NAME.`,
    );
  }
  const steps = stepsOf(modulePath === "" ? selector : `${modulePath}.${selector}`);
  const isModule = steps.at(-1)!.name.startsWith("module.");
  const match = (script: Instance, matches: (step: Step, own: Step) => boolean) => {
    const own = stepsOf(script.address);
    return (
      (isModule || own.length === steps.length) &&
      steps.every((step, at) => own[at] && matches(step, own[at]))
    );
  };
  const chosen = scripts.filter((script) =>
    match(script, (step, own) => step.name === own.name && (step.key === undefined || step.key === own.key)),
  );
  // Without any instance (`count = 0`) it selects nothing. A key that its instances do not have is a mistake; what a build
  // has already made is kept.
  const others = () => scripts.some((script) => match(script, (step, own) => step.name === own.name));
  const label = steps.map(({ name }) => name).join(".");
  if (chosen.length === 0 && declared && (others() || !declared.has(label))) {
    throw invalid(`${where}: "${selector}" does not exist.`);
  }
  return { isModule, scripts: chosen };
}

type Step = { name: string; key: string | undefined };

/** `module.a["x"].coder_script.b` → the module with its key, and the script without one. */
function stepsOf(address: string): Step[] {
  return [...address.matchAll(STEP)].map(([, name, key]) => ({ name: name!, key }));
}

/** The phase of a rule: the one it names, else that of its scripts, else the only one that its modules have. */
function phaseOf(selections: readonly Selection[], named: string, where: string, warnings: string[]): Phase {
  const phases = (chosen: readonly Selection[]) =>
    new Set(chosen.flatMap((selection) => selection.scripts.map((script) => phaseIn(script, where))));
  const direct = phases(selections.filter(({ isModule }) => !isModule));
  const all = phases(selections);
  if (named === "start" || named === "stop") {
    if ([...direct].some((phase) => phase !== named)) {
      throw invalid(`${where}: phase = "${named}", but it names a script that runs at the ${other(named)}.`);
    }
    return named;
  }
  if (direct.size > 1) {
    throw invalid(
      `${where} names scripts that run at the start and scripts that run at the stop. Use a rule for each phase.`,
    );
  }
  const [inferred] = direct;
  if (inferred) {
    if (all.size > 1) {
      warnings.push(
        `${where}: only the ${inferred} scripts of its modules are ordered, because it names a ${inferred} script. Set phase = "${inferred}" to silence this warning.`,
      );
    }
    return inferred;
  }
  if (all.size > 1) {
    throw invalid(`${where}: its modules have both start and stop scripts. Set phase to "start" or "stop".`);
  }
  return [...all][0] ?? "start";
}

const other = (phase: Phase): Phase => (phase === "start" ? "stop" : "start");

function phaseIn({ address, values }: Instance, where: string): Phase {
  const [start, stop] = [flag(values, "run_on_start"), flag(values, "run_on_stop")];
  if (start === stop) {
    throw invalid(
      `${where}: ${address} must set exactly one of run_on_start and run_on_stop, because it is ordered.`,
    );
  }
  return start ? "start" : "stop";
}

function refuseCycle(precedences: readonly Precedence[]): void {
  const afters = Map.groupBy(precedences, ({ run }) => run.address);
  const done = new Set<string>();
  for (const start of afters.keys()) {
    // Depth first, without recursion: a chain may be as long as there are scripts.
    const path: string[] = [];
    const stack: { address: string; leave: boolean }[] = [{ address: start, leave: false }];
    for (let step = stack.pop(); step; step = stack.pop()) {
      const { address, leave } = step;
      if (leave) {
        path.pop();
        done.add(address);
        continue;
      }
      const at = path.indexOf(address);
      if (at >= 0) {
        throw invalid(`Scripts wait for each other: ${[...path.slice(at), address].join(" after ")}.`);
      }
      if (done.has(address)) continue;
      path.push(address);
      stack.push({ address, leave: true });
      for (const { after } of afters.get(address) ?? []) stack.push({ address: after.address, leave: false });
    }
  }
}

function invalid(message: string): FleetError {
  return new FleetError("invalid_argument", message);
}

import { generatedId, type Resource } from "../definition.js";
import { atLeast } from "../rules/checks.js";
import { isFiveFieldSchedule, scriptScheduleFault } from "../rules/cron.js";
import { optional, required } from "../schema/block.js";
import { type Diagnostic, refusal } from "../schema/diagnostic.js";
import { isUnknown, type Values } from "../wire/value.js";

/** A script that the agent runs at startup, at shutdown, or on a schedule. */
export const script: Resource = {
  version: 1,
  block: {
    attributes: {
      agent_id: required.string(),
      cron: optional.string({ check: checkSchedule }),
      display_name: required.string(),
      icon: optional.string(),
      id: generatedId,
      log_path: optional.string(),
      run_on_start: optional.bool({ default: false }),
      run_on_stop: optional.bool({ default: false }),
      script: required.string(),
      start_blocks_login: optional.bool({ default: false }),
      // The default 0 means no limit; a configured value must be an actual limit.
      timeout: optional.number({ default: 0, check: atLeast(1) }),
    },
  },
  validate: warnOfFiveFields,
  check: checkOccasion,
};

function checkSchedule(line: unknown): string | undefined {
  const fault = scriptScheduleFault(String(line));
  return fault === undefined ? undefined : `"${line}" is not a valid schedule: ${fault}.`;
}

function warnOfFiveFields({ cron }: Values): Diagnostic[] {
  if (typeof cron !== "string" || !isFiveFieldSchedule(cron)) return [];
  return [
    {
      severity: "warning",
      summary: `"${cron}" has five fields like a crontab line, but this schedule requires six, starting with seconds.`,
      detail: `To run at the start of the minute, use "0 ${cron}".`,
      path: ["cron"],
    },
  ];
}

function checkOccasion(planned: Values): Diagnostic[] {
  const { run_on_start: onStart, run_on_stop: onStop, cron, start_blocks_login: blocks } = planned;
  const never = onStart === false && onStop === false && (cron === null || cron === "");
  const found: Diagnostic[] = [];
  if (never) found.push(refusal(`Set at least one of "run_on_start", "run_on_stop" or "cron".`));
  if (blocks === true && onStart === false && !isUnknown(onStart)) {
    found.push(refusal(`"start_blocks_login" requires "run_on_start = true".`, ["start_blocks_login"]));
  }
  return found;
}

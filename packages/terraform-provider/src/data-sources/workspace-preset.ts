import type { DataSource } from "../definition.js";
import { atLeast, notEmpty, url } from "../rules/checks.js";
import { hourlyCoverage, hourlyScheduleFault, isTimeZone } from "../rules/cron.js";
import { type Check, computed, optional, required } from "../schema/block.js";
import { type Diagnostic, refusal } from "../schema/diagnostic.js";
import { isValues, type Value, type Values } from "../wire/value.js";

const HOUR_S = 3600;
const YEAR_S = 365 * 24 * HOUR_S;

const timeToLive: Check = (seconds) =>
  seconds === 0 || (Number(seconds) >= HOUR_S && Number(seconds) <= YEAR_S)
    ? undefined
    : `"ttl" must be 0, which never expires, or between ${HOUR_S} and ${YEAR_S} seconds, not ${seconds}.`;

const timeZone: Check = (name) =>
  isTimeZone(String(name) || "UTC") ? undefined : `"${name}" is not a time zone of the IANA database.`;

const hourlySchedule: Check = (line) => {
  const fault = hourlyScheduleFault(String(line));
  return fault === undefined ? undefined : `"${line}" is not a schedule for prebuilds: ${fault}.`;
};

/** A named set of parameter values, and how many workspaces of it to keep ready. */
export const workspacePreset: DataSource = {
  version: 1,
  block: {
    attributes: {
      default: optional.bool({ default: false }),
      description: optional.string(),
      icon: optional.string({ check: url }),
      id: computed.string(),
      name: required.string({ check: notEmpty }),
      parameters: optional.map(),
    },
    blocks: {
      prebuilds: {
        nesting: "set",
        maxItems: 1,
        block: {
          attributes: { instances: required.number({ check: atLeast(0) }) },
          blocks: {
            expiration_policy: {
              nesting: "set",
              maxItems: 1,
              block: { attributes: { ttl: required.number({ check: timeToLive }) } },
            },
            scheduling: {
              nesting: "list",
              maxItems: 1,
              block: {
                attributes: { timezone: required.string({ check: timeZone }) },
                blocks: {
                  schedule: {
                    nesting: "list",
                    minItems: 1,
                    block: {
                      attributes: {
                        cron: required.string({ check: hourlySchedule }),
                        instances: required.number(),
                      },
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
  validate: checkOverlaps,
  read: ({ name }) => ({ id: name ?? null }),
};

/** Two schedules that cover the same hour would ask for two numbers of workspaces. */
function checkOverlaps(config: Values): Diagnostic[] {
  const schedules = first(first(config.prebuilds)?.scheduling)?.schedule;
  const lines = (Array.isArray(schedules) ? schedules : [])
    .map((schedule) => (isValues(schedule) ? schedule.cron : null))
    .filter((line) => typeof line === "string")
    .filter((line) => hourlyScheduleFault(line) === undefined);
  return lines.flatMap((line, index) =>
    lines
      .slice(0, index)
      .filter((other) => overlap(line, other))
      .map((other) =>
        refusal(`The schedules "${other}" and "${line}" overlap: let them cover different hours.`, [
          "prebuilds",
        ]),
      ),
  );
}

function first(blocks: Value | undefined): Values | undefined {
  const block = Array.isArray(blocks) ? blocks[0] : undefined;
  return isValues(block) ? block : undefined;
}

/** Cron runs on a day that either day field names, unless one of them is `*`. */
function overlap(a: string, b: string): boolean {
  const [x, y] = [hourlyCoverage(a), hourlyCoverage(b)];
  const meet = (one: Set<number>, other: Set<number>) => [...one].some((value) => other.has(value));
  return (
    meet(x.hours, y.hours) && meet(x.months, y.months) && meet(x.days, y.days) && meet(x.weekdays, y.weekdays)
  );
}

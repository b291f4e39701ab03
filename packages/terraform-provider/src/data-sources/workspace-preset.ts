import type { DataSource } from "../definition.js";
import { atLeast, notEmpty } from "../rules/checks.js";
import { hourlyScheduleFault, isTimeZone } from "../rules/cron.js";
import { url } from "../rules/url.js";
import { type Check, computed, optional, required } from "../schema/block.js";

const HOUR_S = 3600;
const YEAR_S = 365 * 24 * HOUR_S;

const timeToLive: Check = (seconds) =>
  seconds === 0 || (Number(seconds) >= HOUR_S && Number(seconds) <= YEAR_S)
    ? undefined
    : `"ttl" must be 0 (never expires) or between ${HOUR_S} and ${YEAR_S} seconds, not ${seconds}.`;

const timeZone: Check = (name) =>
  isTimeZone(String(name) || "UTC") ? undefined : `"${name}" is not a valid IANA time zone.`;

const hourlySchedule: Check = (line) => {
  const fault = hourlyScheduleFault(String(line));
  return fault === undefined ? undefined : `"${line}" is not a valid prebuild schedule: ${fault}.`;
};

/** A named set of parameter values, and how many prebuilt workspaces of it to keep. */
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
  read: ({ name }) => ({ id: name ?? null }),
};

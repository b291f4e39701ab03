import { Prisma } from "../database/gen/client.js";

/** SQL of sets of minutes of a day, in UTC: bit strings whose first bit is 00:00. */

export const DAY_MINUTES = 1_440;
const ALL = Prisma.raw(`(~ B'0'::bit(${DAY_MINUTES}))`);

/** The day of a time. */
export const DAY = (at: Prisma.Sql) => Prisma.sql`(${at} AT TIME ZONE 'UTC')::date`;

/** The set of a time's minute. */
export const ofMinute = (at: Prisma.Sql) => Prisma.sql`(B'1'::bit(1440) >> (
  EXTRACT(HOUR FROM ${at} AT TIME ZONE 'UTC')::int * 60 + EXTRACT(MINUTE FROM ${at} AT TIME ZONE 'UTC')::int))`;

/** How many runs without a gap the set has. */
export const runsOf = (minutes: Prisma.Sql) => Prisma.sql`bit_count(${minutes} & ~(${minutes} >> 1))`;

/** The minutes from `low` on, before `high`. */
export const between = (low: Prisma.Sql, high: Prisma.Sql) =>
  Prisma.sql`((${ALL} >> ${low}) # (${ALL} >> ${high}))`;

import * as z from "zod";
import { Id, INT4_MAX, Name } from "./wire.js";

/** A build's number, counted from 1. */
const BuildNumber = z
  .string()
  .max(10, "Must be at most 10 digits.")
  .regex(/^[1-9]\d{0,9}$/, "Must be a whole number of at least 1.")
  .refine((value) => Number(value) <= INT4_MAX, `Must be at most ${INT4_MAX}.`);

/** Schemas of path parameters. A parameter name means the same in every path. */
const PARAMS: Readonly<Record<string, z.ZodType<string>>> = {
  agent: Id,
  build: Id,
  buildNumber: BuildNumber,
  file: Id,
  group: Id,
  job: Id,
  notification: Id,
  notificationTemplate: Id,
  oauth2App: Id,
  oauth2Secret: Id,
  plan: Id,
  policy: Id,
  template: Id,
  version: Id,
  webhook: Id,
  workspace: Id,
};

/** The schema of a path parameter: a UUID, a number, or a name (which may also be an id, `me` or `default`). */
export function paramSchema(name: string): z.ZodType<string> {
  return PARAMS[name] ?? Name.min(1);
}

import { type ParameterValue, type ResolveRequest, resolveValues } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { BuildTransition } from "../database/gen/enums.js";
import { BadParameters } from "./errors.js";

export type ResolveParameters = Pick<ResolveRequest, "definitions" | "given" | "preset" | "previous"> & {
  transition: BuildTransition;
};

/**
 * The values to build with, chosen and validated by `@fleet/parameters`.
 *
 * @throws BadParameters with a message for each invalid parameter.
 */
export function resolveParameters({ transition, ...request }: ResolveParameters): ParameterValue[] {
  const { values, violations } = resolveValues({ ...request, starts: transition === "start", matches });
  if (violations.length > 0) throw new BadParameters(violations);
  return values;
}

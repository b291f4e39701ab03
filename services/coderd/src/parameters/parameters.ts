import { type ParameterValue, type ResolveRequest, resolveValues } from "@fleet/parameters";
import { matches } from "@fleet/parameters/re2";
import type { BuildTransition } from "../database/gen/enums.js";
import { BadParameters } from "./errors.js";

export type ResolveParameters = Pick<ResolveRequest, "definitions" | "given" | "preset" | "previous"> & {
  transition: BuildTransition;
};

/**
 * The values to build with, as `@fleet/parameters` chooses and judges them.
 *
 * @throws BadParameters with a sentence for each parameter that is wrong.
 */
export function resolveParameters({ transition, ...request }: ResolveParameters): ParameterValue[] {
  const { values, violations } = resolveValues({ ...request, starts: transition === "start", matches });
  if (violations.length > 0) throw new BadParameters(violations);
  return values;
}

import type { NameValue } from "@fleet/sdk";
import type { Context } from "../context.js";
import { resolveDynamically } from "./dynamic-parameters.js";
import { resolveParameters, type ValueSources } from "./parameters.js";

/**
 * The parameter values of a build of this version: from flags, preset, previous build and prompts. Templates choose
 * whether parameters are evaluated for the values given (the default) or are always those of the import (classic flow).
 */
export async function resolveBuildParameters(
  context: Context,
  build: { version: string; ownerId: string; isClassic: boolean },
  sources: ValueSources,
): Promise<NameValue[]> {
  if (!build.isClassic) return resolveDynamically(context, { ...build, ...sources });
  const { client } = await context.session();
  const parameters = await client.templateVersionRichParameters({ params: { version: build.version } });
  return resolveParameters(context, { ...sources, parameters });
}

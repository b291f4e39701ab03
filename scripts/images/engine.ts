import { copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { errorMessage, nullLogger, systemClock } from "@fleet/base";
import {
  ENGINE_SETTINGS,
  ENGINES,
  type EngineSetting,
  titleOf,
} from "../../services/provisionerd/src/engine/engine.js";
import { findEngine } from "../../services/provisionerd/src/engine/find.js";

/**
 * Puts the engine that runs templates into the provisionerd image:
 *   node scripts/bench/run.mjs scripts/images/engine.ts GIVEN TARGET
 * The one in the folder GIVEN if it is current, otherwise the release that provisionerd itself would fetch, and if
 * that cannot be had, an outdated one in GIVEN. CODER_TERRAFORM_ENGINE chooses, as for provisionerd.
 */
const [given, target] = process.argv.slice(2) as [string, string];
const { CODER_TERRAFORM_ENGINE: chosen = "auto", ...env } = process.env;
const setting = ENGINE_SETTINGS.find((each) => each === chosen);
const directory = await mkdtemp(join(tmpdir(), "engine-"));
try {
  if (!setting) throw new Error(`CODER_TERRAFORM_ENGINE must be one of: ${ENGINE_SETTINGS.join(", ")}.`);
  await install(setting);
} catch (error) {
  console.error(
    `${errorMessage(error)} Or name an executable for Linux by TERRAFORM, and run scripts/images/build.sh again.`,
  );
  process.exitCode = 1;
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function install(setting: EngineSetting): Promise<void> {
  const engine = await findEngine({
    setting,
    configured: undefined,
    searchPath: resolve(given),
    directory,
    mirror: undefined,
    env: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1])),
    clock: systemClock,
    logger: nullLogger,
  });
  if (engine.outdated) console.warn(`Warning: ${engine.outdated}`);
  await mkdir(target, { recursive: true });
  await copyFile(engine.path, join(target, ENGINES[engine.name].program));
  console.log(`The image runs templates with ${titleOf(engine)}.`);
}
